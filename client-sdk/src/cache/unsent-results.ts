// pure
import type { BatchResult } from '@lars/proto';
import type { HostStats } from './host-stats.ts';

/** So many results, each of the largest size, fit in a datagram with room to spare. */
const MAX_RESULTS = 100;
/**
 * So many calls, and they are sent before their time: the agent takes at most ten times as many from one datagram, and each of them
 * is a step of its algorithm.
 */
export const MAX_UNSENT_CALLS = 10_000;

/**
 * What the agent has yet to hear of one module's calls. Successes are merged; a failure closes what was merged before it, so that the
 * agent hears in order what happened. Durations are merged apart from calls without one, for the agent sees only their sum.
 */
export class UnsentResults {
  /** Those with successes that are not in the results yet. */
  #statsByHost: HostStats[] = [];
  #results: BatchResult[] = [];
  #count = 0;

  /** How many calls are held. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= MAX_UNSENT_CALLS || this.#results.length >= MAX_RESULTS;
  }

  /** @param tcostMs whole milliseconds; 0 where the caller did not time it */
  addSuccess(stats: HostStats, tcostMs: number): void {
    if (stats.timed === 0 && stats.untimed === 0) this.#statsByHost.push(stats);
    if (tcostMs === 0) stats.untimed += 1;
    else {
      stats.timed += 1;
      stats.timedMs += tcostMs;
    }
    this.#count += 1;
  }

  addFailure(stats: HostStats, tcostMs: number): void {
    this.#closeSuccesses();
    this.#results.push({ ...stats.address, succ: 0, err: 1, tcost: tcostMs });
    this.#count += 1;
  }

  /** Hands out everything, as lists that fit in a datagram each, in order. */
  flushTo(send: (results: readonly BatchResult[]) => void): void {
    if (this.#count === 0) return;
    this.#closeSuccesses();
    const results = this.#results;
    this.#results = [];
    this.#count = 0;
    for (let at = 0; at < results.length; at += MAX_RESULTS) send(results.slice(at, at + MAX_RESULTS));
  }

  #closeSuccesses(): void {
    for (const stats of this.#statsByHost) {
      if (stats.timed > 0) this.#results.push({ ...stats.address, succ: stats.timed, err: 0, tcost: stats.timedMs });
      if (stats.untimed > 0) this.#results.push({ ...stats.address, succ: stats.untimed, err: 0, tcost: 0 });
      stats.timed = 0;
      stats.timedMs = 0;
      stats.untimed = 0;
    }
    this.#statsByHost = [];
  }
}
