// pure
import { type AdaptiveOptions, adaptiveBalancer } from './adaptive.ts';
import type { BalancerFactory, ExplainingBalancer } from './balancer.ts';
import { type ClassicOptions, classicBalancer } from './classic.ts';

export const ALGORITHMS = ['classic', 'adaptive'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Which algorithm modules are balanced with, and the parameters of each. Plain data: it crosses threads. */
export interface LoadBalanceOptions {
  readonly algorithm: Algorithm;
  readonly classic: ClassicOptions;
  readonly adaptive: AdaptiveOptions;
}

export function balancerFactory({ algorithm, classic, adaptive }: LoadBalanceOptions): BalancerFactory<ExplainingBalancer> {
  return algorithm === 'classic' ? classicBalancer(classic) : adaptiveBalancer(adaptive);
}
