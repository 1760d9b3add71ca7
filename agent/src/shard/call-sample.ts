// pure
/**
 * A batch tells how many calls went well and how many failed, in a few bytes. The balancer takes calls one by one, so that a batch of very many
 * would stop the shard: it is told of a sample, and the rest is counted here for the reporter.
 */
import { type HostCallResult, type HostKey, hostKey } from '@lars/proto';

/**
 * About so many calls of one batch are told to the balancer. What a host's calls cost and how many fail is as well known from a thousand as from all.
 * The SDK sends ten batches a second, so that up to ten thousand calls a second of one caller and module are told one by one. A thousand calls
 * take 0.1 ms; a hundred thousand took 7.
 */
const MAX_TOLD_CALLS = 1_000;

export interface Calls {
  readonly succ: number;
  readonly err: number;
}

/** @returns which part of the calls of a batch is told */
export function toldShare(batchCalls: number): number {
  return batchCalls <= MAX_TOLD_CALLS ? 1 : MAX_TOLD_CALLS / batchCalls;
}

/** The same mixture in small. Where some failed at least one failure is told, and where some went well one success. */
export function sampleOf({ succ, err }: Calls, share: number): Calls {
  if (share >= 1) return { succ, err };
  return { succ: atLeastOne(succ, share), err: atLeastOne(err, share) };
}

function atLeastOne(calls: number, share: number): number {
  return calls === 0 ? 0 : Math.max(1, Math.round(calls * share));
}

interface CallSums {
  succ: number;
  err: number;
  tcostMs: number;
}

/**
 * By how much what the balancer has counted of one module is wrong, host by host: calls of which it was not told, and, below zero, simulated ones of
 * which the reporter is not to be told.
 */
export class UncountedCalls {
  readonly #hosts = new Map<HostKey, CallSums>();

  add(host: HostKey, { succ, err }: Calls, tcostMs: number): void {
    const calls = this.#hosts.get(host) ?? { succ: 0, err: 0, tcostMs: 0 };
    calls.succ += succ;
    calls.err += err;
    calls.tcostMs += tcostMs;
    this.#hosts.set(host, calls);
  }

  /** Adds them to what the balancer has counted. It has counted some of each host. */
  addTo(result: HostCallResult): HostCallResult {
    const calls = this.#hosts.get(hostKey(result));
    if (calls === undefined) return result;
    const { succ, err, tcost } = result;
    return { ...result, succ: succ + calls.succ, err: err + calls.err, tcost: tcost + calls.tcostMs };
  }
}
