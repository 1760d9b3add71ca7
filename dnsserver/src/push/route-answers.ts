// pure
/** Routes as frames, each encoded once per version and kept. */
import {
  encodeBody,
  encodeFrame,
  type GetRouteResponse,
  type HostInfo,
  MAX_BODY_BYTES,
  MessageId,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import type { ModuleId, Route } from '../routes/route.ts';

interface Encoded {
  readonly route: Route;
  full: Uint8Array | undefined;
  withoutAddr: Uint8Array | undefined;
}

export class RouteAnswers {
  readonly #onTruncated: (route: Route, leftOut: number) => void;
  readonly #encoded = new Map<RouteKey, Encoded>();

  /** @param onTruncated called once per version of a route that does not fit, with the number of hosts left out */
  constructor(onTruncated: (route: Route, leftOut: number) => void) {
    this.#onTruncated = onTruncated;
  }

  /**
   * The GetRouteResponse of a route that has hosts. Hosts with `addr` are only for peers that understand it; hosts beyond the
   * size of a frame are left out.
   */
  frame(key: RouteKey, route: Route, understandsAddr: boolean): Uint8Array {
    let encoded = this.#encoded.get(key);
    if (encoded?.route !== route) {
      encoded = { route, full: undefined, withoutAddr: undefined };
      this.#encoded.set(key, encoded);
    }
    encoded.full ??= this.#encode(route, route.hosts);
    if (understandsAddr) return encoded.full;
    encoded.withoutAddr ??= this.#encodeWithoutAddr(route, encoded.full);
    return encoded.withoutAddr;
  }

  /** The module has gone. */
  forget(module: ModuleId): void {
    this.#encoded.delete(routeKey(module.modid, module.cmdid));
  }

  #encodeWithoutAddr(route: Route, full: Uint8Array): Uint8Array {
    const hosts = route.hosts.filter(host => host.addr === '');
    return hosts.length === route.hosts.length ? full : this.#encode(route, hosts);
  }

  #encode(route: Route, hosts: readonly HostInfo[]): Uint8Array {
    const fitting = fittingHosts(route, hosts);
    if (fitting < hosts.length) this.#onTruncated(route, hosts.length - fitting);
    return encodeFrame(MessageId.GetRouteResponse, response(route, route.version, hosts.slice(0, fitting)));
  }
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
