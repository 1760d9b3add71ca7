/** Calls `poll` again and again, `intervalMs` after the last call has ended. */
export class PollLoop {
  readonly #poll: () => Promise<void>;
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** @param poll never rejects */
  constructor(poll: () => Promise<void>, intervalMs: number) {
    this.#poll = poll;
    this.#intervalMs = intervalMs;
  }

  start(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#poll().then(() => this.start()), this.#intervalMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
