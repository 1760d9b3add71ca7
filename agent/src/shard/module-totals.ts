// pure
import type { HostCallResult } from '@lars/proto';
import type { ActiveModule } from './module-table.ts';

/** After this time without calls a module counts as half as busy. */
const HALF_LIFE_MS = 60_000;
/** A module errs when more than this share of its recent calls failed, and these were not few. */
const ERRING_SHARE = 0.1;
const FEW_CALLS = 10;

/** The calls of one module since the agent learnt of it. */
export class ModuleTotal {
  calls = 0;
  errors = 0;
  /** Of the calls whose callers told it. */
  durationMs = 0;
  /**
   * How busy the module is. With each half-life that passes the recent calls become half as many, so their logarithm sinks as a straight line, for all
   * modules alike: those that are compared need not be brought up to date.
   */
  rank = Number.NEGATIVE_INFINITY;
  #errorShare = 0;

  add(results: readonly HostCallResult[], nowMs: number): void {
    let calls = 0;
    let errors = 0;
    for (const { succ, err, tcost } of results) {
      calls += succ + err;
      errors += err;
      this.durationMs += tcost;
    }
    if (calls === 0) return;
    this.calls += calls;
    this.errors += errors;
    const before = this.recentCalls(nowMs);
    this.#errorShare = (before * this.#errorShare + errors) / (before + calls);
    this.rank = Math.log2(before + calls) + nowMs / HALF_LIFE_MS;
  }

  /** About the calls of the last minute and a half, older ones counting less. */
  recentCalls(nowMs: number): number {
    return 2 ** (this.rank - nowMs / HALF_LIFE_MS);
  }

  isErring(nowMs: number): boolean {
    return this.#errorShare > ERRING_SHARE && this.recentCalls(nowMs) >= FEW_CALLS;
  }
}

/** What modules have been called, for those who watch. It is counted with each status report, so that it costs nothing per call. */
export class ModuleTotals {
  readonly #totals = new Map<ActiveModule, ModuleTotal>();

  add(module: ActiveModule, results: readonly HostCallResult[], nowMs: number): void {
    let total = this.#totals.get(module);
    if (total === undefined) {
      total = new ModuleTotal();
      this.#totals.set(module, total);
    }
    total.add(results, nowMs);
  }

  /** Undefined where no call of the module was reported yet. */
  of(module: ActiveModule): ModuleTotal | undefined {
    return this.#totals.get(module);
  }

  all(): IterableIterator<[ActiveModule, ModuleTotal]> {
    return this.#totals.entries();
  }

  /** The module exists no more. */
  drop(module: ActiveModule): void {
    this.#totals.delete(module);
  }
}
