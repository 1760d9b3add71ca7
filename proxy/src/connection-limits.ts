/**
 * How many connections there are in all and for each listener, in memory that all threads share, so that the limits are those of the process. Each thread notes its own part
 * beside them, which is given back when it dies.
 */
export class ConnectionLimits {
  /** Hand this to other threads, which make their own ConnectionLimits over it. */
  readonly buffer: SharedArrayBuffer;
  readonly #counts: Int32Array;
  /** One for all connections, and one for each listener. */
  readonly #size: number;
  readonly #own: number;

  /**
   * @param listeners how many there are
   * @param threads how many there are
   * @param thread which of them counts here
   */
  constructor(listeners: number, { threads = 1, thread = 0, buffer }: ConnectionLimitsOptions = {}) {
    this.#size = 1 + listeners;
    this.buffer = buffer ?? new SharedArrayBuffer((1 + threads) * this.#size * Int32Array.BYTES_PER_ELEMENT);
    this.#counts = new Int32Array(this.buffer);
    this.#own = (1 + thread) * this.#size;
  }

  get total(): number {
    return Atomics.load(this.#counts, 0);
  }

  ofListener(listener: number): number {
    return Atomics.load(this.#counts, 1 + listener);
  }

  /** Takes a place in all and at a listener. @returns which limit forbids it; then nothing is taken */
  acquire(listener: number, max: ConnectionsMax): 'total' | 'listener' | undefined {
    // What a full listener refuses must not take a place in all, not even for a moment: another listener would be refused it.
    if (!this.#acquire(1 + listener, max.listener)) return 'listener';
    if (this.#acquire(0, max.total)) return undefined;
    this.#add(1 + listener, -1);
    return 'total';
  }

  /** Gives back what `acquire` has taken. */
  release(listener: number): void {
    this.#add(0, -1);
    this.#add(1 + listener, -1);
  }

  /** Gives back all that a thread had when it died. */
  releaseThread(thread: number): void {
    const own = (1 + thread) * this.#size;
    for (let at = 0; at < this.#size; at++) Atomics.sub(this.#counts, at, Atomics.exchange(this.#counts, own + at, 0));
  }

  #acquire(at: number, max: number): boolean {
    for (;;) {
      const count = Atomics.load(this.#counts, at);
      if (count >= max) return false;
      if (Atomics.compareExchange(this.#counts, at, count, count + 1) === count) break;
    }
    Atomics.add(this.#counts, this.#own + at, 1);
    return true;
  }

  #add(at: number, amount: number): void {
    Atomics.add(this.#counts, at, amount);
    Atomics.add(this.#counts, this.#own + at, amount);
  }
}

export interface ConnectionsMax {
  readonly total: number;
  readonly listener: number;
}

export interface ConnectionLimitsOptions {
  readonly threads?: number;
  readonly thread?: number;
  readonly buffer?: SharedArrayBuffer;
}
