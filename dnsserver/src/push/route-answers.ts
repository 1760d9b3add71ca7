// pure
/** Routes as frames, each encoded once per version and kept. */
import {
  encodeBody,
  encodeFrame,
  type GetRouteResponse,
  type HostInfo,
  isUnderstood,
  MAX_BODY_BYTES,
  MessageId,
  neededFeatures,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import type { ModuleId, Route } from '../routes/route.ts';

interface Encoded {
  readonly route: Route;
  /** What its hosts together need of a peer; Feature bits. */
  readonly needed: number;
  /** By what a peer understands of that. */
  readonly frames: Map<number, Uint8Array>;
}

export class RouteAnswers {
  readonly #onTruncated: (route: Route, leftOut: number) => void;
  readonly #encoded = new Map<RouteKey, Encoded>();

  /** @param onTruncated called once per version of a route, and kind of peer, that does not fit, with the number of hosts left out */
  constructor(onTruncated: (route: Route, leftOut: number) => void) {
    this.#onTruncated = onTruncated;
  }

  /**
   * The GetRouteResponse of a route that has hosts, for a peer of these features. Hosts with `addr` and hosts that drain are only
   * for peers that understand it; hosts beyond the size of a frame are left out.
   */
  frame(key: RouteKey, route: Route, features: number): Uint8Array {
    let encoded = this.#encoded.get(key);
    if (encoded?.route !== route) {
      encoded = { route, needed: neededOf(route), frames: new Map() };
      this.#encoded.set(key, encoded);
    }
    const understood = features & encoded.needed;
    const known = encoded.frames.get(understood);
    if (known !== undefined) return known;
    const frame = this.#encode(route, understood === encoded.needed ? route.hosts : hostsFor(route, understood));
    encoded.frames.set(understood, frame);
    return frame;
  }

  /** The module has gone. */
  forget(module: ModuleId): void {
    this.#encoded.delete(routeKey(module.modid, module.cmdid));
  }

  #encode(route: Route, hosts: readonly HostInfo[]): Uint8Array {
    const fitting = fittingHosts(route, hosts);
    if (fitting < hosts.length) this.#onTruncated(route, hosts.length - fitting);
    return encodeFrame(MessageId.GetRouteResponse, response(route, route.version, hosts.slice(0, fitting)));
  }
}

function neededOf({ hosts }: Route): number {
  return hosts.reduce((needed, host) => needed | neededFeatures(host), 0);
}

function hostsFor({ hosts }: Route, features: number): HostInfo[] {
  return hosts.filter(host => isUnderstood(host, features));
}

/** The answer for a module without hosts; after a removal it carries the revision of that. */
export function noHostsFrame(module: ModuleId, version = 0): Uint8Array {
  return encodeFrame(MessageId.GetRouteResponse, response(module, version, []));
}

export function notModifiedFrame(route: Route): Uint8Array {
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
