/** The ways of balancing that the demo can show, and the rules of one that runs. */
import { type AgentConfig, agentConfigTable } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import type { Rules } from './rules.ts';

export type Algorithm = AgentConfig['loadbalance']['algorithm'];

/** What runs where the conf says nothing. */
export const SHIPPED_ALGORITHM: Algorithm = loadConfig(agentConfigTable, { path: agentConfigTable.file, text: '' }).loadbalance
  .algorithm;

/** Who takes part in the demo of troubles: a column of its tables. */
export interface Way {
  readonly name: string;
  /** What makes it: lines for [loadbalance] of the agent's conf. Undefined: business code that calls its servers in turn, without LARS. */
  readonly loadbalance: readonly string[] | undefined;
}

/** In the order in which they are shown. Each names its algorithm, so that none depends on what is shipped. */
export const WAYS: readonly Way[] = [
  { name: 'adaptive', loadbalance: ['algorithm = adaptive'] },
  { name: 'classic', loadbalance: ['algorithm = classic'] },
  // What agents of the older generation were shipped with: slower to believe that a host is bad, and that it is well again.
  {
    name: 'older conf',
    loadbalance: ['algorithm = classic', 'succ_rate = 0.95', 'window_err_limit = 2', 'overload_timeout = 180'],
  },
  { name: 'round robin', loadbalance: undefined },
];

export function rulesOf(loadbalance: AgentConfig['loadbalance']): Rules {
  if (loadbalance.algorithm === 'adaptive') {
    return {
      algorithm: 'adaptive',
      probeShare: loadbalance.probe_share,
      backoffMinSeconds: loadbalance.probe_backoff_min,
      backoffMaxSeconds: loadbalance.probe_backoff_max,
      onAllOverloaded: loadbalance.on_all_overloaded,
    };
  }
  return {
    algorithm: 'classic',
    continErrLimit: loadbalance.contin_err_limit,
    errRate: loadbalance.err_rate,
    succRate: loadbalance.succ_rate,
    continSuccLimit: loadbalance.contin_succ_limit,
    probeNum: loadbalance.probe_num,
    overloadTimeoutSeconds: loadbalance.overload_timeout,
  };
}
