// pure
import type { BatchResult } from '@lars/proto';
import type { HostCell } from './host-stats.ts';

/** So many results, each of the largest size, fit in a datagram with room to spare. */
const MAX_RESULTS = 100;
/**
 * So many calls, and they are sent before their time: the agent takes at most ten times as many from one datagram, and each of them
 * is a step of its algorithm.
 */
export const MAX_HELD_CALLS = 10_000;

/**
 * What the agent has yet to hear of one module's calls. Successes are merged; a failure closes what was merged before it, so that the
 * agent hears in order what happened. Durations are merged apart from calls without one, for the agent sees only their sum.
 */
export class HeldCalls {
  /** Those with successes that are not in the results yet. */
  #cells: HostCell[] = [];
  #results: BatchResult[] = [];
  #count = 0;

  /** How many calls are held. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= MAX_HELD_CALLS || this.#results.length >= MAX_RESULTS;
  }

  /** @param tcostMs whole milliseconds; 0 where the caller did not time it */
  addSuccess(cell: HostCell, tcostMs: number): void {
    if (cell.timed === 0 && cell.untimed === 0) this.#cells.push(cell);
    if (tcostMs === 0) cell.untimed += 1;
    else {
      cell.timed += 1;
      cell.timedMs += tcostMs;
    }
    this.#count += 1;
  }

  addFailure(cell: HostCell, tcostMs: number): void {
    this.#closeSuccesses();
    this.#results.push({ ...cell.address, succ: 0, err: 1, tcost: tcostMs });
    this.#count += 1;
  }

  /** Hands out everything, as lists that fit in a datagram each, in order. */
  take(send: (results: readonly BatchResult[]) => void): void {
    if (this.#count === 0) return;
    this.#closeSuccesses();
    const results = this.#results;
    this.#results = [];
    this.#count = 0;
    for (let at = 0; at < results.length; at += MAX_RESULTS) send(results.slice(at, at + MAX_RESULTS));
  }

  #closeSuccesses(): void {
    for (const cell of this.#cells) {
      if (cell.timed > 0) this.#results.push({ ...cell.address, succ: cell.timed, err: 0, tcost: cell.timedMs });
      if (cell.untimed > 0) this.#results.push({ ...cell.address, succ: cell.untimed, err: 0, tcost: 0 });
      cell.timed = 0;
      cell.timedMs = 0;
      cell.untimed = 0;
    }
    this.#cells = [];
  }
}
