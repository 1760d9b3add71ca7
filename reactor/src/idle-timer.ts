// pure
import type { EngineCore } from './engine-core.ts';
import { WheelEntry } from './timer-wheel.ts';

/** What is watched by an idle timer. */
export interface IdleWatched {
  /** When a byte moved last. */
  lastMoveMs(): number;
  onIdle(): void;
}

/** Watches that something moves within a time. Movement only notes the time; the timer looks when it fires, and goes on from there. */
export class IdleTimer extends WheelEntry {
  readonly #core: EngineCore;
  readonly #watched: IdleWatched;
  #timeoutMs = 0;

  constructor(core: EngineCore, watched: IdleWatched) {
    super();
    this.#core = core;
    this.#watched = watched;
  }

  /** @param timeoutMs 0 = never; otherwise from now on */
  set(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs;
    if (timeoutMs === 0) this.cancel();
    else this.#core.wheel.set(this, this.#core.nowMs + timeoutMs);
  }

  cancel(): void {
    this.#core.wheel.cancel(this);
  }

  override fire(): void {
    const dueMs = this.#watched.lastMoveMs() + this.#timeoutMs;
    if (dueMs > this.#core.nowMs) this.#core.wheel.set(this, dueMs);
    else this.#watched.onIdle();
  }
}
