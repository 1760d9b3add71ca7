import { ConfigError, loadConfig } from '@lars/runtime/config/config';
import { StartupError } from '@lars/runtime/errors';
import { describe, expect, test } from 'vitest';
import { moduleBalancerFactory } from '../../../agent/src/balancer/algorithm.ts';
import { loadBalanceOptions } from '../../../agent/src/balancing-config.ts';
import { agentConfigTable } from '../../../agent/src/config.ts';

const options = (text: string) => {
  const { loadbalance, module, agent } = loadConfig(agentConfigTable, { path: 'agent.ini', text });
  return loadBalanceOptions(loadbalance, module, agent.zone);
};
const algorithmOf = (text: string, modid: number, cmdid: number) =>
  moduleBalancerFactory(options(text))({ random: () => 0, onTransition() {} }, { modid, cmdid }).algorithm;

describe('which algorithm a module is balanced with', () => {
  test.each([
    ['', 'adaptive', 'adaptive'],
    ['[loadbalance]\nalgorithm = classic', 'classic', 'classic'],
    ['[module 1/2]\nalgorithm = classic', 'classic', 'adaptive'],
    ['[loadbalance]\nalgorithm = classic\n[module 1/2]\nalgorithm = adaptive', 'adaptive', 'classic'],
    ['[module 01/ 2]', undefined, undefined],
    ['[module -1/-2]\nalgorithm = classic\n[module 1/3]\nalgorithm = classic', 'adaptive', 'classic'],
  ])('%j: 1/2 %s, 1/3 %s', (text, first, second) => {
    if (first === undefined || second === undefined) return expect(() => options(text)).toThrow(ConfigError);
    expect([algorithmOf(text, 1, 2), algorithmOf(text, 1, 3)]).toEqual([first, second]);
  });
});

test("a module's section overrides [loadbalance] key by key, wherever it stands in the file", () => {
  const { everywhere, modules } = options(
    '[module 7/-8]\non_all_overloaded = refuse\n[loadbalance]\nprobe_share = 0.1\n[agent]\nzone = a\n[module 7/-8]\nerr_rate = 0.2',
  );
  expect(everywhere.adaptive).toMatchObject({ onAllOverloaded: 'probe', probeShare: 0.1, zone: 'a' });
  expect([...modules.keys()]).toEqual(['7/-8']);
  expect(modules.get('7/-8')).toMatchObject({
    algorithm: 'adaptive',
    adaptive: { onAllOverloaded: 'refuse', probeShare: 0.1, zone: 'a' },
    classic: { errRate: 0.2, succRate: everywhere.classic.succRate },
  });
});

test.each([
  ['[module 1]', 'unknown section [module 1]'],
  ['[module 1/2/3]', 'unknown section'],
  ['[module 2147483648/0]', 'unknown section'],
  ['[module 1/2]\nalgoritm = classic', '[module 1/2] algoritm: unknown key'],
  ['[module 1/2]\nalgorithm = clasic', '[module 1/2] algorithm = clasic: expected one of adaptive, classic'],
  ['[module 1/2]\nupdate_timeout = 3', '[module 1/2] update_timeout: unknown key'],
])('%j is refused with its line', (text, message) => {
  expect(() => options(text)).toThrow(message);
  expect(() => options(text)).toThrow(/agent\.ini:\d/);
});

test.each([
  ['[loadbalance]\nprobe_backoff_min = 20', '[loadbalance] probe_backoff_min = 20 is greater than probe_backoff_max = 10'],
  ['[module 1/2]\nprobe_backoff_max = 0.5', '[module 1/2] probe_backoff_min = 1 is greater than probe_backoff_max = 0.5'],
])('%j contradicts itself', (text, message) => {
  expect(() => options(text)).toThrow(new StartupError('BAD_CONFIG', message));
});
