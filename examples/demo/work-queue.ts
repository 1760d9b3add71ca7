// pure
/** Does jobs in the order in which they come, at most `slots` at a time; the others wait. Its user bounds their number. */
export class WorkQueue {
  #slots: number;
  readonly #running = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  /** @param slots at least 1; Infinity: no job waits */
  constructor(slots: number) {
    this.#slots = slots;
  }

  get running(): number {
    return this.#running.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Fewer slots interrupt no job that runs. */
  resize(slots: number): void {
    this.#slots = slots;
    this.#startWaiting();
  }

  /**
   * @param start called once, when a slot is free: now or later
   * @returns what ends the job: it gives its slot, or its place among those that wait, to the next
   */
  add(start: () => void): () => void {
    // Two jobs may share one function, so that a job needs an identity of its own.
    const job = () => start();
    this.#waiting.add(job);
    this.#startWaiting();
    return () => {
      this.#waiting.delete(job);
      this.#running.delete(job);
      this.#startWaiting();
    };
  }

  #startWaiting(): void {
    for (const job of this.#waiting) {
      if (this.#running.size >= this.#slots) return;
      this.#waiting.delete(job);
      this.#running.add(job);
      job();
    }
  }
}
