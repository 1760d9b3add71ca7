import { agentConfigTable } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import { expect, test } from 'vitest';
import { rulesOf, SHIPPED_ALGORITHM, WAYS } from '../../../examples/demo/algorithms.ts';

const loadbalanceWith = (...lines: readonly string[]) =>
  loadConfig(agentConfigTable, { path: 'agent.ini', text: ['[loadbalance]', ...lines].join('\n') }).loadbalance;

test('there is more than one way to compare, and each is a conf that the agent takes', () => {
  const confs = WAYS.flatMap(({ loadbalance }) => (loadbalance === undefined ? [] : [loadbalanceWith(...loadbalance)]));
  expect(confs.length).toBe(WAYS.length - 1);
  expect(new Set(confs.map(conf => JSON.stringify(conf))).size).toBe(confs.length);
  expect(new Set(confs.map(({ algorithm }) => algorithm))).toEqual(new Set(['adaptive', 'classic']));
});

test('none of them depends on which algorithm is shipped', () => {
  for (const { loadbalance } of WAYS) {
    if (loadbalance !== undefined) expect(loadbalance[0]).toMatch(/^algorithm = (adaptive|classic)$/);
  }
});

test('what runs without a conf is read from the agent', () => {
  expect(SHIPPED_ALGORITHM).toBe(loadbalanceWith().algorithm);
});

test('the rules that are explained are those that the conf sets', () => {
  const classic = ['contin_err_limit = 7', 'contin_succ_limit = 6', 'probe_num = 4', 'overload_timeout = 33', 'err_rate = 0.2'];
  expect(rulesOf(loadbalanceWith('algorithm = classic', 'succ_rate = 0.8', ...classic))).toEqual({
    algorithm: 'classic',
    continErrLimit: 7,
    continSuccLimit: 6,
    probeNum: 4,
    overloadTimeoutSeconds: 33,
    errRate: 0.2,
    succRate: 0.8,
  });
  const adaptive = ['probe_share = 0.07', 'probe_backoff_min = 2', 'probe_backoff_max = 44', 'on_all_overloaded = refuse'];
  expect(rulesOf(loadbalanceWith('algorithm = adaptive', ...adaptive))).toEqual({
    algorithm: 'adaptive',
    probeShare: 0.07,
    backoffMinSeconds: 2,
    backoffMaxSeconds: 44,
    onAllOverloaded: 'refuse',
  });
});
