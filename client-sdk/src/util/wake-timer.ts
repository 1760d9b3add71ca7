/**
 * One timer for everything that a client waits for, instead of one for each request. It never keeps a process alive by itself: while
 * requests wait, their sockets do.
 */
export class WakeTimer {
  readonly #nowMs: () => number;
  readonly #onWake: () => void;
  #isClosed = false;
  #armed: { readonly atMs: number; readonly timer: NodeJS.Timeout } | undefined;

  constructor(nowMs: () => number, onWake: () => void) {
    this.#nowMs = nowMs;
    this.#onWake = onWake;
  }

  /** Wakes at `atMs` or earlier, once. */
  wakeAt(atMs: number): void {
    if (this.#isClosed || (this.#armed !== undefined && this.#armed.atMs <= atMs)) return;
    this.#disarm();
    const timer = setTimeout(this.#fire, Math.max(1, Math.ceil(atMs - this.#nowMs())));
    this.#armed = { atMs, timer: timer.unref() };
  }

  /** Wakes no more, whoever asks for it. */
  close(): void {
    this.#isClosed = true;
    this.#disarm();
  }

  #disarm(): void {
    clearTimeout(this.#armed?.timer);
    this.#armed = undefined;
  }

  /**
   * Timers run before sockets are read. After a pause of the whole process (garbage collection, a busy processor) the answers are
   * there but unread, so the sockets are read before any request times out.
   */
  readonly #fire = (): void => {
    this.#armed = undefined;
    setImmediate(this.#onWake);
  };
}
