/** The ways of balancing that the demo can show, and the rules of one that runs. */
import { type AgentConfig, agentConfigTable } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import type { Rules } from './rules.ts';

export type Algorithm = AgentConfig['loadbalance']['algorithm'];

/** The algorithm that runs where the conf says nothing. */
export const SHIPPED_ALGORITHM: Algorithm = loadConfig(agentConfigTable, { path: agentConfigTable.file, text: '' }).loadbalance
  .algorithm;

/** A way of balancing in the demo of troubles: a column of its tables. */
export interface Way {
  readonly name: string;
  /** Lines for [loadbalance] of the agent's conf. Undefined: business code that calls its servers in turn, without LARS. */
  readonly loadbalance: readonly string[] | undefined;
}

/** The ways in the order in which they are shown. Each names its algorithm, so that none depends on the default. */
export const WAYS: readonly Way[] = [
  { name: 'adaptive', loadbalance: ['algorithm = adaptive'] },
  { name: 'classic', loadbalance: ['algorithm = classic'] },
  // The numbers that agents of the first generation were shipped with: slower to eject a host, and to readmit it.
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
      backoffMinSeconds: loadbalance.probe_backoff_min / 1_000,
      backoffMaxSeconds: loadbalance.probe_backoff_max / 1_000,
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
    overloadTimeoutSeconds: loadbalance.overload_timeout / 1_000,
  };
}
