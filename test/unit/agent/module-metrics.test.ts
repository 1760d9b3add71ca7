import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { exposeModules } from '../../../agent/src/module-metrics.ts';
import type { ModuleFigures, WatchedModules } from '../../../agent/src/shard/module-figures.ts';
import { parsePrometheus, sampleValue } from '../../support/prometheus-text.ts';

const figures = (modid: number, details: Partial<ModuleFigures> = {}): ModuleFigures => ({
  ...{ modid, cmdid: -2, calls: 10, errors: 1, durationMs: 2_500, recentCalls: 10, healthyHosts: 2, ejectedHosts: 0 },
  ...{ drainingHosts: 0, isShedding: false },
  ...details,
});

function page() {
  let watched: WatchedModules = { busiest: [], troubled: [], ejectedHosts: [] };
  let asked = 0;
  const registry = new Registry();
  exposeModules(registry, async () => {
    asked += 1;
    return watched;
  });
  const scrape = async (now: Partial<WatchedModules>) => {
    watched = { busiest: [], troubled: [], ejectedHosts: [], ...now };
    return parsePrometheus(await registry.metrics());
  };
  return { scrape, asked: () => asked };
}

test('each module is shown once, in seconds, and a scrape asks once', async () => {
  const { scrape, asked } = page();
  const both = figures(1, { isShedding: true, ejectedHosts: 1, drainingHosts: 3 });
  const samples = await scrape({ busiest: [both, figures(2)], troubled: [both] });
  const labels = { modid: '1', cmdid: '-2' };
  expect(sampleValue(samples, 'lars_agent_module_calls_total', labels)).toBe(10);
  expect(sampleValue(samples, 'lars_agent_module_call_errors_total', labels)).toBe(1);
  expect(sampleValue(samples, 'lars_agent_module_call_seconds_total', labels)).toBe(2.5);
  expect(sampleValue(samples, 'lars_agent_module_shedding', labels)).toBe(1);
  expect(sampleValue(samples, 'lars_agent_module_shedding', { modid: '2' })).toBe(0);
  for (const [state, hosts] of Object.entries({ healthy: 2, ejected: 1, draining: 3 })) {
    expect(sampleValue(samples, 'lars_agent_module_hosts', { ...labels, state })).toBe(hosts);
  }
  expect(asked()).toBe(1);
});

test('what is not worth a look any more is gone, and counters go on where they were', async () => {
  const { scrape } = page();
  const host = 'a"b\\c\n.example:80';
  const first = await scrape({ busiest: [figures(1)], ejectedHosts: [{ modid: 1, cmdid: 2, host, forMs: 1_500 }] });
  // As the format escapes it.
  expect(first.find(({ name }) => name === 'lars_agent_host_ejected_seconds')).toMatchObject({
    labels: { modid: '1', cmdid: '2', host: 'a\\"b\\\\c\\n.example:80' },
    value: 1.5,
  });
  expect(await scrape({})).toEqual([]);
  const again = await scrape({ busiest: [figures(1, { calls: 25 })] });
  expect(sampleValue(again, 'lars_agent_module_calls_total')).toBe(25);
});
