// pure
/** A route as the frames that go out for it, encoded once per version. Plain data: it crosses threads. */
import {
  encodeBody,
  encodeFrame,
  type GetRouteResponse,
  type HostInfo,
  isUnderstood,
  MAX_BODY_BYTES,
  MessageId,
  neededFeatures,
} from '@lars/proto';
import type { ModuleId, Route } from '../follow/route.ts';

export interface EncodedRoute extends ModuleId {
  readonly version: number;
  /** None: the module does not exist (any more). */
  readonly hostCount: number;
  /** What its hosts together need of a peer; Feature bits. */
  readonly needed: number;
  /** The answers, by what a peer understands of `needed`: frames[features & needed]. */
  readonly frames: readonly Uint8Array[];
  /** The answer to a peer that holds this version; undefined where no version is ever confirmed. */
  readonly notModified: Uint8Array | undefined;
}

/**
 * Hosts with `addr` and hosts that drain are only for peers that understand it; hosts beyond the size of a frame are left out.
 * @param onTruncated called with the number of hosts left out, once for each kind of peer
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

/** The answer for a module that nobody knows. */
export function encodeUnknown({ modid, cmdid }: ModuleId): EncodedRoute {
  return encodeRoute({ modid, cmdid, version: 0, hosts: [], local: false }, () => {});
}

/**
 * The frame for a peer.
 * @param heldVersion what the peer says that it holds
 */
export function answerOf(route: EncodedRoute, heldVersion: number, features: number): Uint8Array {
  if (heldVersion === route.version && route.notModified !== undefined) return route.notModified;
  return pushOf(route, features);
}

/** The frame for a peer that is told of a change. */
export function pushOf({ frames, needed }: EncodedRoute, features: number): Uint8Array {
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

/** No host takes more bytes: a name of 253 and a zone of 64 characters of up to 3 bytes each, and the numbers. */
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
