import { LarsError, type LarsHost } from '@lars/client-sdk';
import { type FailureRate, failureRateOf } from './failure-rates.ts';
import { seededRandom } from './random.ts';
import type { Tally } from './tally.ts';

export interface SimulationPlan {
  readonly modid: number;
  readonly cmdid: number;
  readonly calls: number;
  /** How many calls are in flight at a time. */
  readonly concurrency: number;
  /** Calls per second in all; undefined: as many as go. */
  readonly rate: number | undefined;
  readonly failureRates: readonly FailureRate[];
  readonly seed: number;
}

/** What a simulation needs of a LarsClient and of the time. */
export interface SimulationDeps {
  getHost(modid: number, cmdid: number): Promise<LarsHost>;
  report(host: LarsHost, result: { readonly ok: boolean }): void;
  /** Monotonic. */
  nowMs(): number;
  /** Ends early, and never rejects, when `signal` aborts. */
  pause(ms: number): Promise<void>;
  /** Aborted: no further call begins. */
  readonly signal: AbortSignal;
}

export type SimulationEnd =
  | { readonly kind: 'done' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly error: LarsError };

/** After this many timeouts of every caller the agent is not going to answer. */
const MAX_TIMEOUTS_PER_CALLER = 3;

/**
 * Plays the business code: asks for a host, lets its call fail with the rate that the plan gives it, reports that, and begins
 * again, until all calls are made. OVERLOAD and a few timeouts are counted; any other error ends the simulation.
 */
export function runSimulation(plan: SimulationPlan, deps: SimulationDeps, tally: Tally): Promise<SimulationEnd> {
  return new Simulation(plan, deps, tally).run();
}

class Simulation {
  readonly #plan: SimulationPlan;
  readonly #deps: SimulationDeps;
  readonly #tally: Tally;
  readonly #callers: number;
  readonly #failing = new Map<string, () => boolean>();
  #begun = 0;
  #timeoutsInARow = 0;
  #error: LarsError | undefined;

  constructor(plan: SimulationPlan, deps: SimulationDeps, tally: Tally) {
    this.#plan = plan;
    this.#deps = deps;
    this.#tally = tally;
    this.#callers = Math.min(plan.concurrency, plan.calls);
  }

  async run(): Promise<SimulationEnd> {
    const startMs = this.#deps.nowMs();
    await Promise.all(Array.from({ length: this.#callers }, () => this.#callAndCall(startMs)));
    if (this.#error !== undefined) return { kind: 'failed', error: this.#error };
    return { kind: this.#tally.calls < this.#plan.calls ? 'interrupted' : 'done' };
  }

  async #callAndCall(startMs: number): Promise<void> {
    const { rate, calls } = this.#plan;
    while (this.#begun < calls && !this.#isOver()) {
      const dueMs = rate === undefined ? 0 : startMs + (this.#begun * 1_000) / rate;
      this.#begun += 1;
      const waitMs = dueMs - this.#deps.nowMs();
      if (waitMs > 0) await this.#deps.pause(waitMs);
      if (!this.#isOver()) await this.#call();
    }
  }

  async #call(): Promise<void> {
    const { modid, cmdid } = this.#plan;
    try {
      const host = await this.#deps.getHost(modid, cmdid);
      this.#timeoutsInARow = 0;
      const ok = !this.#fails(host);
      this.#deps.report(host, { ok });
      this.#tally.countCall(host, ok);
    } catch (error) {
      if (!(error instanceof LarsError)) throw error;
      this.#onError(error);
    }
  }

  #onError(error: LarsError): void {
    if (error.code === 'LARS_OVERLOAD') {
      this.#timeoutsInARow = 0;
      this.#tally.countOverload();
    } else if (error.code === 'LARS_AGENT_SILENT') {
      this.#timeoutsInARow += 1;
      this.#tally.countTimeout();
      if (this.#timeoutsInARow >= MAX_TIMEOUTS_PER_CALLER * this.#callers) this.#error ??= error;
    } else {
      this.#error ??= error;
    }
  }

  #fails(host: LarsHost): boolean {
    let fails = this.#failing.get(host.authority);
    if (fails === undefined) {
      const rate = failureRateOf(this.#plan.failureRates, host);
      const random = seededRandom(this.#plan.seed, host.authority);
      fails = () => random() < rate;
      this.#failing.set(host.authority, fails);
    }
    return fails();
  }

  #isOver(): boolean {
    return this.#error !== undefined || this.#deps.signal.aborted;
  }
}
