// pure
/** Few enough that a batch of bulk transfers leaves the event loop its turn within milliseconds. */
const EVENTS_MAX = 128;

/** What one wait has to tell, in order. */
export class Events {
  readonly #fds = new Int32Array(EVENTS_MAX);
  readonly #generations = new Int32Array(EVENTS_MAX);
  readonly #readiness = new Int32Array(EVENTS_MAX);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === EVENTS_MAX;
  }

  /** @param readiness a sum of Ready */
  add(fd: number, generation: number, readiness: number): void {
    this.#fds[this.#count] = fd;
    this.#generations[this.#count] = generation;
    this.#readiness[this.#count] = readiness;
    this.#count += 1;
  }

  clear(): void {
    this.#count = 0;
  }

  fdOf(event: number): number {
    return this.#fds[event] as number;
  }

  generationOf(event: number): number {
    return this.#generations[event] as number;
  }

  readinessOf(event: number): number {
    return this.#readiness[event] as number;
  }
}
