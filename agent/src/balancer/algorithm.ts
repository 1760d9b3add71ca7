// pure
import type { BalancerFactory, ExplainingBalancer } from './balancer.ts';
import { type ClassicOptions, classicBalancer } from './classic.ts';

/** Which algorithm a module is balanced with, and its parameters. Plain data: it crosses threads. */
export interface LoadBalanceOptions {
  readonly algorithm: 'classic';
  readonly classic: ClassicOptions;
}

export function balancerFactory(options: LoadBalanceOptions): BalancerFactory<ExplainingBalancer> {
  return classicBalancer(options.classic);
}
