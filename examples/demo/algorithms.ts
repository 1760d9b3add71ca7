/** The ways of balancing that the demo of troubles shows side by side, and the rules of one that runs. */
import type { AgentConfig } from '@lars/agent';
import type { Rules } from './rules.ts';

/** The name of a column, and what makes it: lines for [loadbalance] of the agent's conf. */
const CONFS: ReadonlyMap<string, readonly string[]> = new Map([
  ['classic', []],
  // What agents of the older generation were shipped with: slower to believe that a host is bad, and that it is well again.
  ['older conf', ['succ_rate = 0.95', 'window_err_limit = 2', 'overload_timeout = 180']],
]);

/** In the order in which they are shown. */
export const ALGORITHMS: readonly string[] = [...CONFS.keys()];

export function confLinesFor(algorithm: string): readonly string[] {
  return CONFS.get(algorithm) ?? [];
}

export function rulesOf({ contin_err_limit, probe_num, overload_timeout }: AgentConfig['loadbalance']): Rules {
  return { continErrLimit: contin_err_limit, probeNum: probe_num, overloadTimeoutSeconds: overload_timeout };
}
