// pure
import {
  encodeFrame,
  Feature,
  type GetHostRequest,
  HEADER_BYTES,
  type HostInfo,
  MessageId,
  Purpose,
  ReturnCode,
} from '@lars/proto';
import { GetHostRequestView } from '@lars/proto/in-place/decode';
import { writeGetHostResponse } from '@lars/proto/in-place/encode';
import type { Balancer } from '../balancer/balancer.ts';
import { shardCounters } from '../counters.ts';
import type { ReplyTo } from './forwarding.ts';
import { decodeOrCount, type HandlerDeps, NOT_HANDLED } from './message-handler.ts';
import type { ActiveModule } from './module-table.ts';

const count = shardCounters.at;

const ANSWER_COUNTERS: Readonly<Record<ReturnCode, number>> = {
  [ReturnCode.Success]: count.answeredSuccess,
  [ReturnCode.Overload]: count.answeredOverload,
  [ReturnCode.SystemError]: count.answeredError,
  [ReturnCode.NoExist]: count.answeredNoExist,
};

/** Answers "which host shall I call?". */
export class GetHostHandler {
  readonly #deps: HandlerDeps;
  readonly #modules: HandlerDeps['modules'];
  readonly #fetcher: HandlerDeps['fetcher'];
  readonly #counters: HandlerDeps['counters'];
  readonly #view = new GetHostRequestView();
  readonly #scratch: Uint8Array;

  constructor(deps: HandlerDeps) {
    this.#deps = deps;
    this.#modules = deps.modules;
    this.#fetcher = deps.fetcher;
    this.#counters = deps.counters;
    this.#scratch = deps.scratch;
  }

  /**
   * The fast form: the module of the datagram bytes[start, end) is active, or known to be absent. Writes the answer at `replyStart`.
   * @returns the answer's length, or NOT_HANDLED
   */
  handleInPlace(bytes: Uint8Array, start: number, end: number, reply: Uint8Array, replyStart: number, nowMs: number): number {
    const request = this.#view;
    if (!request.decode(bytes, start + HEADER_BYTES, end)) return NOT_HANDLED;
    const module = this.#modules.findActive(request.modid, request.cmdid);
    if (module === undefined && !this.#modules.isAbsent(request.modid, request.cmdid, nowMs)) return NOT_HANDLED;
    this.#counters.add(count.getHost);
    return this.#respond(module, request, reply, replyStart, nowMs);
  }

  /** The general form. @returns undefined where the answer comes later, or from another shard, or never */
  handle(datagram: Uint8Array, replyTo: ReplyTo, nowMs: number): Uint8Array | undefined {
    const request = decodeOrCount(MessageId.GetHostRequest, datagram, this.#counters);
    if (request === undefined) return undefined;
    const module = this.#modules.findActive(request.modid, request.cmdid);
    if (module === undefined && this.#deps.forwarding.forward(request, datagram, replyTo)) return undefined;
    this.#counters.add(request.purpose === Purpose.Look ? count.getHostLooks : count.getHost);
    if (module === undefined && this.#deps.parking.park({ kind: 'getHost', replyTo, request }, nowMs)) return undefined;
    return this.answer(module, request, nowMs);
  }

  /** The answer as bytes of its own, which may be kept. `module` is undefined where it does not exist, as far as is known. */
  answer(module: ActiveModule | undefined, request: GetHostRequest, nowMs: number): Uint8Array {
    if (request.purpose === Purpose.Look) return this.#look(module, request, nowMs);
    if (module !== undefined && request.purpose === Purpose.Simulation) this.#deps.simulatedPicks.add(module, nowMs);
    return this.#scratch.slice(0, this.#respond(module, request, this.#scratch, 0, nowMs));
  }

  /** Says which host would be picked, and changes and counts nothing. */
  #look(module: ActiveModule | undefined, request: GetHostRequest, nowMs: number): Uint8Array {
    const { seq, modid, cmdid, features } = request;
    const ipv4Only = needsIpv4(features);
    const host = module?.balancer.look(nowMs, ipv4Only);
    const code = module === undefined ? ReturnCode.NoExist : noHostCode(module.balancer, ipv4Only);
    const retcode = host === undefined ? code : ReturnCode.Success;
    return encodeFrame(MessageId.GetHostResponse, { seq, modid, cmdid, retcode, host });
  }

  /** Picks a host and writes the answer at `start`; makes no object where the answer is one of the usual ones. */
  #respond(module: ActiveModule | undefined, request: GetHostRequest, reply: Uint8Array, start: number, nowMs: number): number {
    if (module !== undefined) this.#fetcher.fetchIfStale(module, nowMs);
    const picked = module === undefined ? ReturnCode.NoExist : pick(module.balancer, request.features, nowMs);
    const host = typeof picked === 'number' ? undefined : picked;
    const retcode = typeof picked === 'number' ? picked : ReturnCode.Success;
    this.#counters.add(ANSWER_COUNTERS[retcode]);
    if (retcode === ReturnCode.Overload && module?.balancer.refusalCause === 'queue') this.#counters.add(count.refusedQueue);
    return writeGetHostResponse(reply, start, request, retcode, host) || encode(reply, start, request, retcode, host);
  }
}

/** A caller that does not understand names gets a host with an IPv4 address, where there is one. */
function pick(balancer: Balancer, features: number, nowMs: number): HostInfo | ReturnCode {
  const ipv4Only = needsIpv4(features);
  return balancer.pick(nowMs, ipv4Only) ?? noHostCode(balancer, ipv4Only);
}

function needsIpv4(features: number): boolean {
  return (features & Feature.HostAddr) === 0;
}

function noHostCode(balancer: Balancer, ipv4Only: boolean): ReturnCode {
  return ipv4Only && !hasIpv4(balancer) ? ReturnCode.SystemError : ReturnCode.Overload;
}

function hasIpv4(balancer: Balancer): boolean {
  for (const { host } of balancer.hosts()) if (host.addr === '') return true;
  return false;
}

/** Encodes with the codec what cannot be written in place. */
function encode(
  reply: Uint8Array,
  start: number,
  { seq, modid, cmdid }: GetHostRequest,
  retcode: ReturnCode,
  host: HostInfo | undefined,
): number {
  const frame = encodeFrame(MessageId.GetHostResponse, { seq, modid, cmdid, retcode, host });
  reply.set(frame, start);
  return frame.length;
}
