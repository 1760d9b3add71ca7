// pure
/** The algorithms that are compared. One line more here, and an algorithm is in every table and plot. */
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../agent/src/balancer/adaptive/adaptive.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../agent/src/balancer/classic/classic.ts';
import { cached } from './contenders/cached.ts';
import { oracle } from './contenders/oracle.ts';
import { RoundRobin } from './contenders/round-robin.ts';
import type { Contender } from './sim/contender.ts';

/** What the others are measured against. */
export const ORACLE: Contender = { name: 'oracle', create: oracle };

/** What one has without any load balancing. */
export const ROUND_ROBIN: Contender = {
  name: 'round robin',
  create: () => environment => new RoundRobin(environment.random()),
};

export const ALGORITHMS: readonly Contender[] = [
  { name: 'adaptive', create: () => adaptiveBalancer(ADAPTIVE_DEFAULTS) },
  { name: 'adaptive + SDK cache', create: () => cached(adaptiveBalancer(ADAPTIVE_DEFAULTS), 4) },
  { name: 'classic', create: () => classicBalancer(CLASSIC_DEFAULTS) },
  ROUND_ROBIN,
];
