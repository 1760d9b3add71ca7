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
  #recentCalls = 0;
  #recentErrors = 0;
  #atMs = 0;

  add(results: readonly HostCallResult[], nowMs: number): void {
    const weight = this.#weight(nowMs);
    this.#recentCalls *= weight;
    this.#recentErrors *= weight;
    this.#atMs = nowMs;
    for (const { succ, err, tcost } of results) {
      this.calls += succ + err;
      this.errors += err;
      this.durationMs += tcost;
      this.#recentCalls += succ + err;
      this.#recentErrors += err;
    }
  }

  /** About the calls of the last minute and a half, older ones counting less. */
  recentCalls(nowMs: number): number {
    return this.#recentCalls * this.#weight(nowMs);
  }

  isErring(nowMs: number): boolean {
    return this.recentCalls(nowMs) >= FEW_CALLS && this.#recentErrors > ERRING_SHARE * this.#recentCalls;
  }

  #weight(nowMs: number): number {
    return 0.5 ** ((nowMs - this.#atMs) / HALF_LIFE_MS);
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
