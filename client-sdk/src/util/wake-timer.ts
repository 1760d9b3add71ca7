/**
 * One timer for everything that a client waits for, instead of one a request. It never keeps a process alive by itself: while
 * requests wait, their sockets do.
 */
export class WakeTimer {
  readonly #nowMs: () => number;
  readonly #onWake: () => void;
  #armed: { readonly atMs: number; readonly timer: NodeJS.Timeout } | undefined;

  constructor(nowMs: () => number, onWake: () => void) {
    this.#nowMs = nowMs;
    this.#onWake = onWake;
  }

  /** Wakes at `atMs` or earlier. After each wake it must be told again. */
  wakeAt(atMs: number): void {
    if (this.#armed !== undefined && this.#armed.atMs <= atMs) return;
    this.stop();
    const timer = setTimeout(this.#fire, Math.max(1, Math.ceil(atMs - this.#nowMs())));
    this.#armed = { atMs, timer: timer.unref() };
  }

  stop(): void {
    clearTimeout(this.#armed?.timer);
    this.#armed = undefined;
  }

  /**
   * Timers run before sockets are read. After a pause of the whole process (garbage collection, a busy processor) the answers are
   * there but unread, so the sockets get their turn before anybody's time is declared to be up.
   */
  readonly #fire = (): void => {
    this.#armed = undefined;
    setImmediate(this.#onWake);
  };
}
