// pure
import { encodeFrame, Feature, type GetHostRequest, type HostInfo, MAX_DATAGRAM_BYTES, MessageId, ReturnCode } from '@lars/proto';
import { writeGetHostResponse } from '@lars/proto/in-place/get-host-response';
import type { CounterBank } from '@lars/runtime/counters';
import type { Balancer, ExplainingBalancer } from '../balancer/balancer.ts';
import { type ShardCounter, shardCounters } from '../counters.ts';

const count = shardCounters.at;

const ANSWER_COUNTERS: Readonly<Record<ReturnCode, number>> = {
  [ReturnCode.Success]: count.answeredSuccess,
  [ReturnCode.Overload]: count.answeredOverload,
  [ReturnCode.SystemError]: count.answeredError,
  [ReturnCode.NoExist]: count.answeredNoExist,
};

/** Answers getHost. A balancer of `undefined` means that the module has no hosts, as far as is known. */
export class HostAnswers {
  readonly #counters: CounterBank<ShardCounter>;
  readonly #scratch = new Uint8Array(MAX_DATAGRAM_BYTES);

  constructor(counters: CounterBank<ShardCounter>) {
    this.#counters = counters;
  }

  /** Writes the answer at `start` and returns its length; for the usual host it makes no object. */
  write(
    balancer: ExplainingBalancer | undefined,
    request: GetHostRequest,
    reply: Uint8Array,
    start: number,
    nowMs: number,
  ): number {
    const picked = balancer === undefined ? ReturnCode.NoExist : pick(balancer, request.features, nowMs);
    const host = typeof picked === 'number' ? undefined : picked;
    const retcode = typeof picked === 'number' ? picked : ReturnCode.Success;
    this.#counters.add(ANSWER_COUNTERS[retcode]);
    if (retcode === ReturnCode.Overload && balancer?.refusalCause === 'queue') this.#counters.add(count.refusedQueue);
    return writeGetHostResponse(reply, start, request, retcode, host) || encode(reply, start, request, retcode, host);
  }

  /** The answer as bytes of its own, which may be kept. */
  frame(balancer: ExplainingBalancer | undefined, request: GetHostRequest, nowMs: number): Uint8Array {
    return this.#scratch.slice(0, this.write(balancer, request, this.#scratch, 0, nowMs));
  }
}

/** A caller that does not understand names gets a host with an IPv4 address, where there is one. */
function pick(balancer: Balancer, features: number, nowMs: number): HostInfo | ReturnCode {
  const ipv4Only = (features & Feature.HostAddr) === 0;
  const host = balancer.pick(nowMs, ipv4Only);
  if (host !== undefined) return host;
  return ipv4Only && !hasIpv4(balancer) ? ReturnCode.SystemError : ReturnCode.Overload;
}

function hasIpv4(balancer: Balancer): boolean {
  for (const { host } of balancer.hosts()) if (host.addr === '') return true;
  return false;
}

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
