import type { CloseReason, EngineLog, EngineTimer } from './engine.ts';
import { countClose, newCounters } from './engine-counters.ts';
import { TimerWheel, WheelTimer } from './timer-wheel.ts';

export interface EngineCoreDeps {
  readonly log: EngineLog;
  /** Monotonic. */
  readonly nowMs: () => number;
}

/** Whose callback it is: who is told what it throws. */
export interface CallbackOwner {
  failed(error: Error): void;
}

/** What the parts of one engine share: its time, its timers, its counters, and what becomes of errors in callbacks. */
export class EngineCore implements CallbackOwner {
  readonly counters = newCounters();
  readonly log: EngineLog;
  readonly wheel: TimerWheel;
  readonly readClock: () => number;
  isClosed = false;
  #nowMs: number;
  #timers = 0;

  constructor({ log, nowMs }: EngineCoreDeps) {
    this.log = log;
    this.readClock = nowMs;
    this.#nowMs = nowMs();
    this.wheel = new TimerWheel(this.#nowMs);
  }

  /** The time of the last look at the clock: one look serves a whole batch of events. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Fires the timers that are due since the last look at the clock. */
  advance(): void {
    this.wheel.advance(this.#nowMs);
  }

  look(): void {
    this.#nowMs = this.readClock();
  }

  /** How many timers users have set. */
  get timers(): number {
    return this.#timers;
  }

  after(ms: number, callback: () => void): EngineTimer {
    const timer = new WheelTimer(() => {
      this.#timers -= 1;
      this.contain(callback);
    });
    this.#timers += 1;
    this.wheel.set(timer, this.readClock() + ms);
    return {
      cancel: () => {
        if (!timer.isSet) return;
        this.#timers -= 1;
        this.wheel.cancel(timer);
      },
    };
  }

  countClose(reason: CloseReason): void {
    countClose(this.counters, reason);
  }

  /** Runs a callback that belongs to no open connection. */
  contain(callback: () => unknown): void {
    this.watch(callback, this);
  }

  /** Runs a callback; `owner` is told what it throws, and what a promise that it returns is rejected with. */
  watch(callback: () => unknown, owner: CallbackOwner): void {
    try {
      this.watchResult(callback(), owner);
    } catch (error) {
      owner.failed(asError(error));
    }
  }

  watchResult(result: unknown, owner: CallbackOwner): void {
    if (typeof result === 'object' && result instanceof Promise) result.catch((error: unknown) => owner.failed(asError(error)));
  }

  failed(error: Error): void {
    this.counters.handlerErrors += 1;
    this.log.error('a callback threw', { error: error.stack ?? error.message });
  }
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
