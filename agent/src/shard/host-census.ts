// pure
import type { ServingModule } from './module-table.ts';

/** How many hosts all modules of a shard have together. Costs nothing while nothing changes: an agent may have a hundred thousand modules. */
export class HostCensus {
  #hostCount = 0;
  /** Modules of which a host may be overloaded. */
  readonly #troubled = new Set<ServingModule>();

  get hostCount(): number {
    return this.#hostCount;
  }

  /** Looks only at modules with a host in trouble, now or lately. */
  overloadedCount(): number {
    let sum = 0;
    for (const module of this.#troubled) {
      const { overloadedCount } = module.balancer;
      sum += overloadedCount;
      if (overloadedCount === 0) this.#troubled.delete(module);
    }
    return sum;
  }

  /** The module has so many hosts more, or fewer. */
  add(hosts: number): void {
    this.#hostCount += hosts;
  }

  /** A host of the module changed sides, or its route has changed: one that was overloaded counts again when it drains no more. */
  look(module: ServingModule): void {
    if (module.balancer.overloadedCount > 0) this.#troubled.add(module);
  }

  /** The module is not served any more; its hosts were counted out. */
  forget(module: ServingModule): void {
    this.#troubled.delete(module);
  }
}
