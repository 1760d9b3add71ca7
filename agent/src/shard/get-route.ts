// pure
import {
  encodeFrame,
  type GetRouteRequest,
  type GetRouteResponse,
  HEADER_BYTES,
  type HostInfo,
  isUnderstood,
  LarsProtocolError,
  MAX_DATAGRAM_BYTES,
  MessageId,
} from '@lars/proto';
import { shardCounters } from '../counters.ts';
import type { ReplyTo } from './forwarding.ts';
import { decodeOrCount, type HandlerDeps } from './message-handler.ts';
import type { ActiveModule } from './module-table.ts';

const count = shardCounters.at;

/** Answers "which hosts does the module have?". It is asked seldom, so there is only the general form. */
export class GetRouteHandler {
  readonly #deps: HandlerDeps;

  constructor(deps: HandlerDeps) {
    this.#deps = deps;
  }

  /** @returns undefined where the answer comes later, or from another shard, or never */
  handle(datagram: Uint8Array, replyTo: ReplyTo, nowMs: number): Uint8Array | undefined {
    const { modules, forwarding, parking, counters } = this.#deps;
    const request = decodeOrCount(MessageId.ApiGetRouteRequest, datagram, counters);
    if (request === undefined) return undefined;
    if (forwarding.forward(request, datagram, replyTo)) return undefined;
    counters.add(count.getRoute);
    const module = modules.findActive(request.modid, request.cmdid);
    if (module === undefined && parking.park({ kind: 'getRoute', replyTo, request }, nowMs)) return undefined;
    return this.answer(module, request, nowMs);
  }

  /** `module` is undefined where it does not exist, as far as is known. */
  answer(module: ActiveModule | undefined, request: GetRouteRequest, nowMs: number): Uint8Array {
    if (module === undefined) return emptyRoute(request);
    this.#deps.fetcher.fetchIfStale(module, nowMs);
    const { frame, isTruncated } = encodeRoute(module, request, MAX_DATAGRAM_BYTES, nowMs);
    if (isTruncated) this.#deps.counters.add(count.routeTruncated);
    return frame;
  }
}

function emptyRoute({ modid, cmdid }: GetRouteRequest): Uint8Array {
  const empty = { modid, cmdid, host: [], version: 0, overload: false, notModified: false };
  return encodeFrame(MessageId.ApiGetRouteResponse, empty);
}

/** All hosts of the module, whatever their state, but for those that the caller would not understand, and as many as one datagram takes. */
function encodeRoute(
  module: ActiveModule,
  request: GetRouteRequest,
  maxBytes: number,
  nowMs: number,
): { readonly frame: Uint8Array; readonly isTruncated: boolean } {
  const { modid, cmdid, version, balancer } = module;
  // On the wire "agent pick only" is called overload.
  const overload = balancer.requiresAgentPick(nowMs);
  const notModified = version !== 0 && request.version === version;
  const hosts = notModified ? [] : understoodHosts(module, request.features);
  const encode = (host: readonly HostInfo[]) => encodeWithin(maxBytes, { modid, cmdid, host, version, overload, notModified });
  const whole = encode(hosts);
  if (whole !== undefined) return { frame: whole, isTruncated: false };
  return { frame: encodeAsManyAsFit(hosts, encode), isTruncated: true };
}

function understoodHosts(module: ActiveModule, features: number): HostInfo[] {
  const hosts: HostInfo[] = [];
  for (const { host } of module.balancer.hosts()) {
    if (isUnderstood(host, features)) hosts.push(host);
  }
  return hosts;
}

/** @returns undefined when the frame would be longer */
function encodeWithin(maxBytes: number, message: GetRouteResponse): Uint8Array | undefined {
  try {
    const frame = encodeFrame(MessageId.ApiGetRouteResponse, message);
    return frame.length <= maxBytes ? frame : undefined;
  } catch (error) {
    // The body is larger than a header can announce.
    if (error instanceof LarsProtocolError && error.code === 'BAD_LENGTH') return undefined;
    throw error;
  }
}

/** Bisects: the frame grows with every host. */
function encodeAsManyAsFit(
  hosts: readonly HostInfo[],
  encode: (hosts: readonly HostInfo[]) => Uint8Array | undefined,
): Uint8Array {
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
