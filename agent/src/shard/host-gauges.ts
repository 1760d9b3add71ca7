// pure
import type { ActiveModule } from './module-table.ts';

/**
 * How many hosts the modules of a shard have, how many of them are ejected, and which modules refuse calls. All is noted when something changes,
 * never by going over all modules: an agent may have a hundred thousand.
 */
export class HostGauges {
  #hostCount = 0;
  /** Modules of which a host may be ejected. */
  readonly #withEjected = new Set<ActiveModule>();
  /** Modules that may refuse calls because work waits at their hosts. */
  readonly #withShedding = new Set<ActiveModule>();

  get hostCount(): number {
    return this.#hostCount;
  }

  /** Looks only at modules that have, or lately had, an ejected host. */
  countEjected(): number {
    let sum = 0;
    for (const { balancer } of this.withEjected()) sum += balancer.ejectedCount;
    return sum;
  }

  countShedding(nowMs: number): number {
    return [...this.withShedding(nowMs)].length;
  }

  /** The modules with ejected hosts. */
  *withEjected(): Generator<ActiveModule> {
    for (const module of this.#withEjected) {
      if (module.balancer.ejectedCount > 0) yield module;
      else this.#withEjected.delete(module);
    }
  }

  /** The modules that refuse calls now. */
  *withShedding(nowMs: number): Generator<ActiveModule> {
    for (const module of this.#withShedding) {
      if (module.balancer.explainModule(nowMs)?.shedding !== undefined) yield module;
      else this.#withShedding.delete(module);
    }
  }

  isShedding(module: ActiveModule, nowMs: number): boolean {
    return this.#withShedding.has(module) && module.balancer.explainModule(nowMs)?.shedding !== undefined;
  }

  /** A module has this many hosts more; fewer, where the number is negative. */
  addHosts(hosts: number): void {
    this.#hostCount += hosts;
  }

  /** A host of the module was ejected or readmitted, or the route has changed: an ejected host counts again when it drains no more. */
  trackEjected(module: ActiveModule): void {
    if (module.balancer.ejectedCount > 0) this.#withEjected.add(module);
  }

  /** The module begins to refuse calls. */
  trackShedding(module: ActiveModule): void {
    this.#withShedding.add(module);
  }

  /** The module exists no more. Its hosts must be subtracted with addHosts. */
  dropModule(module: ActiveModule): void {
    this.#withEjected.delete(module);
    this.#withShedding.delete(module);
  }
}
