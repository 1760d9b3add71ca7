// pure
import { formatModule } from '@lars/proto';
import { type AdaptiveOptions, adaptiveBalancer } from './adaptive/adaptive.ts';
import type { BalancerDeps, BalancerFactory, ModuleBalancer } from './balancer.ts';
import { type ClassicOptions, classicBalancer } from './classic/classic.ts';

export const ALGORITHMS = ['adaptive', 'classic'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Which algorithm a module is balanced with, and the parameters of each. Plain data: it crosses threads. */
export interface Balancing {
  readonly algorithm: Algorithm;
  readonly classic: ClassicOptions;
  readonly adaptive: AdaptiveOptions;
}

export interface LoadBalanceOptions {
  readonly everywhere: Balancing;
  /** Modules that are balanced in their own way, by their name: '1/2'. */
  readonly modules: ReadonlyMap<string, Balancing>;
}

/** Makes the balancer of the module that is named. */
export type ModuleBalancerFactory = (
  environment: BalancerDeps,
  module: { readonly modid: number; readonly cmdid: number },
) => ModuleBalancer;

export function moduleBalancerFactory({ everywhere, modules }: LoadBalanceOptions): ModuleBalancerFactory {
  const usual = balancerFactory(everywhere);
  const own = new Map(Array.from(modules, ([module, balancing]) => [module, balancerFactory(balancing)]));
  return (environment, { modid, cmdid }) => (own.get(formatModule(modid, cmdid)) ?? usual)(environment);
}

function balancerFactory({ algorithm, classic, adaptive }: Balancing): BalancerFactory<ModuleBalancer> {
  return algorithm === 'classic' ? classicBalancer(classic) : adaptiveBalancer(adaptive);
}
