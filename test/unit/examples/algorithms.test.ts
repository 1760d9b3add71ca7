import { agentConfigTable } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import { expect, test } from 'vitest';
import { ALGORITHMS, confLinesFor, rulesOf } from '../../../examples/demo/algorithms.ts';

const loadbalanceWith = (...lines: readonly string[]) =>
  loadConfig(agentConfigTable, { path: 'agent.ini', text: ['[loadbalance]', ...lines].join('\n') }).loadbalance;

test('there is more than one to compare, and each is a conf that the agent takes', () => {
  const confs = ALGORITHMS.map(algorithm => JSON.stringify(loadbalanceWith(...confLinesFor(algorithm))));
  expect(confs.length).toBeGreaterThan(1);
  expect(new Set(confs).size).toBe(confs.length);
});

test('the first is what the agent is shipped with', () => {
  expect(loadbalanceWith(...confLinesFor(ALGORITHMS[0] as string))).toEqual(loadbalanceWith());
});

test('the rules that are explained are those that the conf sets', () => {
  const loadbalance = loadbalanceWith('contin_err_limit = 7', 'probe_num = 4', 'overload_timeout = 33');
  expect(rulesOf(loadbalance)).toEqual({ continErrLimit: 7, probeNum: 4, overloadTimeoutSeconds: 33 });
});
