// pure
import { countRecent, NO_EVENTS, recentCount } from '../balancer/host-slots.ts';
import type { ActiveModule } from './module-table.ts';

/** Picks of the last 10 to 20 seconds for which nobody is called. The balancer counts them like others; this tells them apart. */
export class SimulatedPicks {
  /** Of the few modules that somebody plays with. */
  readonly #counts = new WeakMap<ActiveModule, number[]>();

  add(module: ActiveModule, nowMs: number): void {
    const counts = this.#counts.get(module) ?? [...NO_EVENTS];
    countRecent(counts, 0, 1, nowMs);
    this.#counts.set(module, counts);
  }

  recent(module: ActiveModule, nowMs: number): number {
    const counts = this.#counts.get(module);
    return counts === undefined ? 0 : recentCount(counts, 0, nowMs);
  }
}
