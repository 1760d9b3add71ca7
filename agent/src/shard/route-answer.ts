// pure
import {
  encodeFrame,
  type GetRouteRequest,
  HEADER_BYTES,
  type HostInfo,
  isUnderstood,
  LarsProtocolError,
  MessageId,
} from '@lars/proto';
import type { ServingModule } from './module-table.ts';

/**
 * The answer to getRoute: all hosts of the module, whatever their state; without those that the asker would not understand, and
 * with as many as one datagram takes.
 */
export function routeAnswer(
  module: ServingModule,
  request: GetRouteRequest,
  maxBytes: number,
  nowMs: number,
): { frame: Uint8Array; truncated: boolean } {
  const { modid, cmdid, version, balancer } = module;
  const overload = balancer.wantsEveryCall(nowMs);
  const notModified = version !== 0 && request.version === version;
  const hosts = notModified ? [] : understoodHosts(module, request.features);
  const encode = (host: readonly HostInfo[]) => encodeWithin(maxBytes, { modid, cmdid, host, version, overload, notModified });
  const whole = encode(hosts);
  if (whole !== undefined) return { frame: whole, truncated: false };
  return { frame: largestThatFits(hosts, encode), truncated: true };
}

/** The answer for a module that has no hosts, as far as is known. */
export function emptyRouteAnswer({ modid, cmdid }: GetRouteRequest): Uint8Array {
  const empty = { modid, cmdid, host: [], version: 0, overload: false, notModified: false };
  return encodeFrame(MessageId.ApiGetRouteResponse, empty);
}

function understoodHosts(module: ServingModule, features: number): HostInfo[] {
  const hosts: HostInfo[] = [];
  for (const { host } of module.balancer.hosts()) {
    if (isUnderstood(host, features)) hosts.push(host);
  }
  return hosts;
}

function encodeWithin(
  maxBytes: number,
  message: Parameters<typeof encodeFrame<typeof MessageId.ApiGetRouteResponse>>[1],
): Uint8Array | undefined {
  try {
    const frame = encodeFrame(MessageId.ApiGetRouteResponse, message);
    return frame.length <= maxBytes ? frame : undefined;
  } catch (error) {
    // The body is larger than a head can announce.
    if (error instanceof LarsProtocolError && error.code === 'BAD_LENGTH') return undefined;
    throw error;
  }
}

/** Bisects: the frame grows with every host. */
function largestThatFits(hosts: readonly HostInfo[], encode: (hosts: readonly HostInfo[]) => Uint8Array | undefined): Uint8Array {
  let fits = 0;
  let tooMany = hosts.length;
  let best = encode([]) ?? new Uint8Array(HEADER_BYTES);
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    const frame = encode(hosts.slice(0, middle));
    if (frame === undefined) tooMany = middle;
    else {
      fits = middle;
      best = frame;
    }
  }
  return best;
}
