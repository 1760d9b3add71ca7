// pure
/** A route as the frames that are sent for it, encoded once per version. Plain data: it crosses threads. */
import {
  encodeBody,
  encodeFrame,
  type GetRouteResponse,
  type HostInfo,
  isUnderstood,
  MAX_BODY_BYTES,
  MessageId,
  type ModuleId,
  neededFeatures,
  routeKey,
} from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import type { Route, RouteView } from '../follow/route-table.ts';

export interface EncodedRoute extends ModuleId {
  readonly version: number;
  /** 0: the module does not exist (any more). */
  readonly hostCount: number;
  /** The features that an agent must understand to be sent all hosts (Feature bits). */
  readonly needed: number;
  /** The answers, by what an agent understands of `needed`: frames[features & needed]. */
  readonly frames: readonly Uint8Array[];
  /** The answer to an agent that knows this version; undefined where no version is ever confirmed. */
  readonly notModified: Uint8Array | undefined;
}

/**
 * Hosts with `addr` and draining hosts are only for agents that understand them; hosts beyond the size of a frame are left out.
 * @param onTruncated called with the number of hosts left out, once for each set of features
 */
export function encodeRoute(route: Route, onTruncated: (route: Route, leftOut: number) => void): EncodedRoute {
  const { modid, cmdid, version, hosts, local } = route;
  const needed = hosts.reduce((bits, host) => bits | neededFeatures(host), 0);
  const frames: Uint8Array[] = [];
  for (let understood = 0; understood <= needed; understood++) {
    const same = understood & needed;
    frames.push(same === understood ? encodeFor(route, understood, onTruncated) : (frames[same] as Uint8Array));
  }
  const notModified = local || hosts.length === 0 ? undefined : notModifiedFrame(route);
  return { modid, cmdid, version, hostCount: hosts.length, needed, frames, notModified };
}

/** The answer for a module that does not exist. */
export function encodeUnknown({ modid, cmdid }: ModuleId): EncodedRoute {
  return encodeRoute({ modid, cmdid, version: 0, hosts: [], local: false }, () => {});
}

/** Encodes routes of the table, and reports those that do not fit into a frame. */
export class RouteEncoder {
  readonly #routes: RouteView;
  readonly #counters: SharedCounters<DnsserverCounter>;
  readonly #log: Logger;

  constructor(routes: RouteView, counters: SharedCounters<DnsserverCounter>, log: Logger) {
    this.#routes = routes;
    this.#counters = counters;
    this.#log = log;
  }

  /** The module's route as the table has it now. */
  encodeModule(module: ModuleId): EncodedRoute {
    const route = this.#routes.get(routeKey(module.modid, module.cmdid));
    return route === undefined ? encodeUnknown(module) : this.encodeRoute(route);
  }

  encodeRoute(route: Route): EncodedRoute {
    return encodeRoute(route, this.#onTruncated);
  }

  readonly #onTruncated = ({ modid, cmdid, hosts }: Route, leftOut: number): void => {
    this.#counters.add(dnsserverCounters.at.truncatedRoutes);
    this.#log.warn('a route does not fit into one message: its last hosts are left out', {
      modid,
      cmdid,
      hosts: hosts.length,
      leftOut,
    });
  };
}

/**
 * The frame that answers a request.
 * @param knownVersion the version that the agent says that it knows
 */
export function answerFrame(route: EncodedRoute, knownVersion: number, features: number): Uint8Array {
  if (knownVersion === route.version && route.notModified !== undefined) return route.notModified;
  return pushFrame(route, features);
}

/** The frame that tells an agent of a change. */
export function pushFrame({ frames, needed }: EncodedRoute, features: number): Uint8Array {
  return frames[features & needed] as Uint8Array;
}

function encodeFor(route: Route, features: number, onTruncated: (route: Route, leftOut: number) => void): Uint8Array {
  const hosts = route.hosts.filter(host => isUnderstood(host, features));
  const fitting = fittingHosts(route, hosts);
  if (fitting < hosts.length) onTruncated(route, hosts.length - fitting);
  return encodeFrame(MessageId.GetRouteResponse, response(route, route.version, hosts.slice(0, fitting)));
}

function notModifiedFrame(route: Route): Uint8Array {
  return encodeFrame(MessageId.GetRouteResponse, { ...response(route, route.version, []), notModified: true });
}

function response({ modid, cmdid }: ModuleId, version: number, host: readonly HostInfo[]): GetRouteResponse {
  return { modid, cmdid, host, version, overload: false, notModified: false };
}

/** No encoded host is longer: a name of 253 and a zone of 64 characters of up to 3 bytes each, and the numbers. */
const MAX_HOST_BYTES = 1_024;

/** How many of the first hosts fit into one frame. */
function fittingHosts(route: Route, hosts: readonly HostInfo[]): number {
  if (hosts.length * MAX_HOST_BYTES < MAX_BODY_BYTES) return hosts.length;
  let bytes = bodyBytes(route, route.version, []);
  for (const [at, host] of hosts.entries()) {
    bytes += bodyBytes({ modid: 0, cmdid: 0 }, 0, [host]);
    if (bytes > MAX_BODY_BYTES) return at;
  }
  return hosts.length;
}

function bodyBytes(module: ModuleId, version: number, hosts: readonly HostInfo[]): number {
  return encodeBody(MessageId.GetRouteResponse, response(module, version, hosts)).length;
}
