// pure
import type { ActiveModule } from './module-table.ts';

/**
 * How many hosts the modules of a shard have, and how many of them are ejected. Both are counted when something changes, never by going
 * over all modules: an agent may have a hundred thousand.
 */
export class HostGauges {
  #hostCount = 0;
  /** Modules of which a host may be ejected. */
  readonly #withEjected = new Set<ActiveModule>();

  get hostCount(): number {
    return this.#hostCount;
  }

  /** Looks only at modules that have, or lately had, an ejected host. */
  countEjected(): number {
    let sum = 0;
    for (const module of this.#withEjected) {
      const { ejectedCount } = module.balancer;
      sum += ejectedCount;
      if (ejectedCount === 0) this.#withEjected.delete(module);
    }
    return sum;
  }

  /** A module has this many hosts more; fewer, where the number is negative. */
  addHosts(hosts: number): void {
    this.#hostCount += hosts;
  }

  /** A host of the module was ejected or readmitted, or the route has changed: an ejected host counts again when it drains no more. */
  trackEjected(module: ActiveModule): void {
    if (module.balancer.ejectedCount > 0) this.#withEjected.add(module);
  }

  /** The module exists no more. Its hosts must be subtracted with addHosts. */
  dropModule(module: ActiveModule): void {
    this.#withEjected.delete(module);
  }
}
