// pure
import type { Watch } from './under-way.ts';

/** So many waits later. A connection that has ended one way has often ended altogether by then, and polls for nothing are expensive. */
const WAITS = 3;

/** Descriptors that are to be polled for breaks a little later: most of them are closed before. */
export class LateWatches {
  readonly #batches: Watch[][] = Array.from({ length: WAITS }, () => []);
  #now = 0;

  add(watch: Watch): void {
    this.#batches[this.#now]?.push(watch);
  }

  /** To be called with each wait. @param take is given those whose time has come; some may be closed already */
  takeDue(take: (watch: Watch) => void): void {
    this.#now = (this.#now + 1) % WAITS;
    const due = this.#batches[this.#now] as Watch[];
    if (due.length === 0) return;
    for (const watch of due) take(watch);
    due.length = 0;
  }
}
