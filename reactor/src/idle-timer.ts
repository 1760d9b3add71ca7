// pure
import type { EngineCore } from './engine-core.ts';
import { WheelTimer } from './timer-wheel.ts';

export interface IdleTimerDeps {
  /** When a byte moved last. */
  lastActiveMs(): number;
  onIdle(): void;
}

/** Watches that something moves within a time. Movement only notes the time; the timer looks when it fires, and goes on from there. */
export class IdleTimer {
  readonly #core: EngineCore;
  readonly #deps: IdleTimerDeps;
  readonly #timer = new WheelTimer(() => this.#check());
  #timeoutMs = 0;

  constructor(core: EngineCore, deps: IdleTimerDeps) {
    this.#core = core;
    this.#deps = deps;
  }

  /** @param timeoutMs 0 = never; otherwise from now on */
  set(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    if (timeoutMs === 0) this.cancel();
    else this.#core.wheel.set(this.#timer, this.#core.nowMs + timeoutMs);
  }

  cancel(): void {
    this.#core.wheel.cancel(this.#timer);
  }

  #check(): void {
    const dueMs = this.#deps.lastActiveMs() + this.#timeoutMs;
    if (dueMs > this.#core.nowMs) this.#core.wheel.set(this.#timer, dueMs);
    else this.#deps.onIdle();
  }
}
