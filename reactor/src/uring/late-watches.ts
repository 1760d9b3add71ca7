// pure
/** So many waits later. A connection that has ended one way has often ended altogether by then, and polls for nothing are expensive. */
const WAITS = 3;

/** Descriptors that are to be polled for breaks a little later: most of them are closed before. */
export class LateWatches {
  /** A descriptor and its generation, in turn. */
  readonly #batches: number[][] = Array.from({ length: WAITS }, () => []);
  #now = 0;

  add(fd: number, generation: number): void {
    this.#batches[this.#now]?.push(fd, generation);
  }

  /** To be called with each wait. @param take is given those whose time has come; some may be closed already */
  takeDue(take: (fd: number, generation: number) => void): void {
    this.#now = (this.#now + 1) % WAITS;
    const due = this.#batches[this.#now] as number[];
    if (due.length === 0) return;
    for (let at = 0; at < due.length; at += 2) take(due[at] as number, due[at + 1] as number);
    due.length = 0;
  }
}
