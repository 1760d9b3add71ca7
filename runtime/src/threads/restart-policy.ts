// pure
import { Backoff } from '../backoff.ts';

/** Decides whether and when a thread that died is started again. Each thread has a policy of its own. */
export interface RestartPolicy {
  /**
   * @param nowMs when the thread died
   * @param startedMs when that incarnation was started
   * @returns the delay before the restart, ms; undefined when the thread is not to be started again
   */
  delayAfterDeath(nowMs: number, startedMs: number): number | undefined;
}

export interface LimitedRestartsOptions {
  /** How many deaths within `windowMs` are followed by a restart. */
  readonly maxDeaths: number;
  readonly windowMs: number;
  readonly delayMs: number;
}

/** Restarts after a fixed delay, and gives up when the thread dies too often. */
export class LimitedRestarts implements RestartPolicy {
  readonly #options: LimitedRestartsOptions;
  #deathsMs: number[] = [];

  constructor(options: LimitedRestartsOptions) {
    this.#options = options;
  }

  delayAfterDeath(nowMs: number): number | undefined {
    const { maxDeaths, windowMs, delayMs } = this.#options;
    this.#deathsMs = this.#deathsMs.filter(deathMs => nowMs - deathMs < windowMs);
    this.#deathsMs.push(nowMs);
    return this.#deathsMs.length <= maxDeaths ? delayMs : undefined;
  }
}

export interface BackoffRestartsOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** A thread that has lived this long is restarted quickly again. */
  readonly steadyMs: number;
  /** Uniform in [0, 1), for the jitter. */
  readonly random: () => number;
}

/** Always restarts, after delays that grow while the thread keeps dying soon. */
export class BackoffRestarts implements RestartPolicy {
  readonly #options: BackoffRestartsOptions;
  readonly #backoff: Backoff;

  constructor(options: BackoffRestartsOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.minMs, options.maxMs, options.random);
  }

  delayAfterDeath(nowMs: number, startedMs: number): number {
    if (nowMs - startedMs >= this.#options.steadyMs) this.#backoff.reset();
    return this.#options.minMs + this.#backoff.nextDelayMs();
  }
}
