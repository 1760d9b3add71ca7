// pure
import type { BalancerFactory } from '../../../agent/src/balancer/balancer.ts';
import type { Scenario } from './scenario.ts';
import type { World } from './world.ts';

/** An algorithm under test. */
export interface Contender {
  readonly name: string;
  /** Makes the balancers of one run, one an agent. Only an oracle looks at the world. */
  readonly create: (world: World, scenario: Scenario) => BalancerFactory;
}
