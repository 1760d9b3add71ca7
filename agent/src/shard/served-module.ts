// pure
import type { ModuleBalancerFactory } from '../balancer/algorithm.ts';
import type { BalancerEnvironment, ExplainingBalancer, Transition } from '../balancer/balancer.ts';
import type { ModuleId } from '../threads/messages.ts';
import type { ServingModule } from './module-table.ts';

export type OnTransition = (module: ServingModule, transition: Transition) => void;

/**
 * A module that has just got its first route. An agent may have a hundred thousand, so it is its balancer's environment as well: a closure of
 * its own for each would take as much memory as half a host, and keep the mail alive that brought the route.
 */
export class ServedModule implements ServingModule, BalancerEnvironment {
  readonly modid: number;
  readonly cmdid: number;
  readonly random: () => number;
  readonly balancer: ExplainingBalancer;
  version = 0;
  refreshAtMs = 0;
  reportAtMs: number | undefined = undefined;
  readonly #onTransition: OnTransition;

  constructor({ modid, cmdid }: ModuleId, newBalancer: ModuleBalancerFactory, random: () => number, onTransition: OnTransition) {
    this.modid = modid;
    this.cmdid = cmdid;
    this.random = random;
    this.#onTransition = onTransition;
    this.balancer = newBalancer(this, this);
  }

  onTransition(transition: Transition): void {
    this.#onTransition(this, transition);
  }
}
