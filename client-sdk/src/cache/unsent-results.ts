// pure
import type { BatchResult } from '@lars/proto';
import type { HostStats } from './host-stats.ts';

/** This many results, each of the largest size, fit in a datagram with room to spare. */
const MAX_RESULTS = 100;
/**
 * This many calls are sent before their time. The agent takes at most ten times as many from one datagram, because each of them is a step
 * of its algorithm.
 */
export const MAX_UNSENT_CALLS = 10_000;

/**
 * The results of one module's calls that the agent has yet to get. Successes are merged. A failure closes what was merged before it, so
 * that the agent gets the results in order. Successes with a duration are merged apart from those without one, because the agent sees
 * only the sum of the durations.
 */
export class UnsentResults {
  /** Hosts with successes that are not in the results yet. */
  #merging: HostStats[] = [];
  #results: BatchResult[] = [];
  #count = 0;

  /** How many calls the results are about. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= MAX_UNSENT_CALLS || this.#results.length >= MAX_RESULTS;
  }

  /** @param tcostMs whole milliseconds; 0 where the caller did not time it */
  addSuccess(host: HostStats, tcostMs: number): void {
    if (host.timed === 0 && host.untimed === 0) this.#merging.push(host);
    if (tcostMs === 0) host.untimed += 1;
    else {
      host.timed += 1;
      host.timedMs += tcostMs;
    }
    this.#count += 1;
  }

  addFailure(host: HostStats, tcostMs: number): void {
    this.#closeSuccesses();
    this.#results.push({ ...host.address, succ: 0, err: 1, tcost: tcostMs });
    this.#count += 1;
  }

  /** Sends everything, in order, as lists that fit in a datagram each. */
  flushTo(send: (results: readonly BatchResult[]) => void): void {
    if (this.#count === 0) return;
    this.#closeSuccesses();
    const results = this.#results;
    this.#results = [];
    this.#count = 0;
    for (let at = 0; at < results.length; at += MAX_RESULTS) send(results.slice(at, at + MAX_RESULTS));
  }

  #closeSuccesses(): void {
    for (const host of this.#merging) {
      if (host.timed > 0) this.#results.push({ ...host.address, succ: host.timed, err: 0, tcost: host.timedMs });
      if (host.untimed > 0) this.#results.push({ ...host.address, succ: host.untimed, err: 0, tcost: 0 });
      host.timed = 0;
      host.timedMs = 0;
      host.untimed = 0;
    }
    this.#merging = [];
  }
}
