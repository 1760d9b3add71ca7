// pure
import { type TimerWheel, WheelTimer } from './timer-wheel.ts';

export interface IdleTimerDeps {
  readonly wheel: TimerWheel;
  nowMs(): number;
  /** When a byte moved last. */
  lastActiveMs(): number;
  onIdle(): void;
}

/** Watches that something moves within a time. Movement only notes the time; the timer looks when it fires, and goes on from there. */
export class IdleTimer {
  readonly #deps: IdleTimerDeps;
  readonly #timer = new WheelTimer(() => this.#check());
  #timeoutMs = 0;

  constructor(deps: IdleTimerDeps) {
    this.#deps = deps;
  }

  /** @param timeoutMs 0 = never; otherwise from now on */
  set(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    if (timeoutMs === 0) this.cancel();
    else this.#deps.wheel.set(this.#timer, this.#deps.nowMs() + timeoutMs);
  }

  cancel(): void {
    this.#deps.wheel.cancel(this.#timer);
  }

  #check(): void {
    const dueMs = this.#deps.lastActiveMs() + this.#timeoutMs;
    if (dueMs > this.#deps.nowMs()) this.#deps.wheel.set(this.#timer, dueMs);
    else this.#deps.onIdle();
  }
}
