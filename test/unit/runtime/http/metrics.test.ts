import { describe, expect, test } from 'vitest';
import { defineCounters, SharedCounters } from '../../../../runtime/src/counters.ts';
import { createRegistry, exposeCounters, exposeGauges } from '../../../../runtime/src/http/metrics.ts';
import { tcpServerCounters } from '../../../../runtime/src/tcp/framed-server.ts';
import { parsePrometheus, sampleValue } from '../../../support/prometheus-text.ts';

const set = defineCounters({ getHost: 'getHost requests', badBody: 'Datagrams that do not parse; "quoted" \\ and so on' });

describe('counter banks on the metrics page', () => {
  test('have valid names in snake case, their help, and the labels of their bank', async () => {
    const registry = createRegistry('agent', '1.0.0');
    const banks = ['0', '1'].map(shard => ({ labels: { shard }, counters: new SharedCounters(set) }));
    exposeCounters(registry, 'lars_agent', banks);
    banks[1]?.counters.add(set.at.getHost, 3);
    const text = await registry.metrics();
    const samples = parsePrometheus(text);
    expect(text).toContain('# HELP lars_agent_get_host_total getHost requests\n# TYPE lars_agent_get_host_total counter\n');
    expect(sampleValue(samples, 'lars_agent_get_host_total', { shard: '0' })).toBe(0);
    expect(sampleValue(samples, 'lars_agent_get_host_total', { shard: '1' })).toBe(3);
    expect(sampleValue(samples, 'lars_agent_bad_body_total', { shard: '1' })).toBe(0);
  });

  test('show what is so when they are read, and are not summed up over reads', async () => {
    const registry = createRegistry('agent', '1.0.0');
    const bank = new SharedCounters(set);
    const labels = {};
    exposeCounters(registry, 'lars_agent', [{ labels, counters: bank }]);
    exposeGauges(registry, 'lars_now', [{ labels, counters: bank }]);
    for (const total of [5, 10, 15]) {
      bank.add(set.at.getHost, 5);
      const samples = parsePrometheus(await registry.metrics());
      expect(sampleValue(samples, 'lars_agent_get_host_total')).toBe(total);
      expect(sampleValue(samples, 'lars_now_get_host')).toBe(total);
    }
    bank.set(set.at.getHost, 1);
    expect(sampleValue(parsePrometheus(await registry.metrics()), 'lars_now_get_host')).toBe(1);
  });

  test('that were renamed are shown under their former names too', async () => {
    const registry = createRegistry('agent', '1.0.0');
    const bank = new SharedCounters(set);
    exposeCounters(registry, 'lars_agent', [{ labels: {}, counters: bank }], { badBody: 'nonsense' });
    exposeGauges(registry, 'lars_now', [{ labels: {}, counters: bank }], { getHost: 'asked' });
    bank.add(set.at.badBody, 2);
    bank.add(set.at.getHost, 3);
    const text = await registry.metrics();
    const samples = parsePrometheus(text);
    for (const name of ['lars_agent_bad_body_total', 'lars_agent_nonsense_total']) expect(sampleValue(samples, name)).toBe(2);
    for (const name of ['lars_now_get_host', 'lars_now_asked']) expect(sampleValue(samples, name)).toBe(3);
    expect(text).toContain('# HELP lars_now_asked Former name of get_host\n');
  });

  test('of no banks are none', async () => {
    const registry = createRegistry('agent', '1.0.0');
    const before = (await registry.getMetricsAsJSON()).length;
    exposeCounters(registry, 'lars_none', []);
    exposeGauges(registry, 'lars_none', []);
    expect((await registry.getMetricsAsJSON()).length).toBe(before);
  });

  test('the whole page is of the format, with the process’s own figures', async () => {
    const registry = createRegistry('dnsserver', '1.0.0');
    exposeCounters(registry, 'lars_dnsserver_tcp', [{ labels: {}, counters: new SharedCounters(tcpServerCounters) }]);
    // No tick of the event loop ends between the two: its figures have nothing to tell.
    const [, samples = []] = (await Promise.all([registry.metrics(), registry.metrics()])).map(parsePrometheus);
    expect(sampleValue(samples, 'lars_build_info', { service: 'dnsserver', version: '1.0.0' })).toBe(1);
    expect(sampleValue(samples, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    for (const name of ['cpu_seconds_total', 'open_fds', 'max_fds', 'start_time_seconds']) {
      expect(sampleValue(samples, `process_${name}`)).toBeGreaterThan(0);
    }
    expect(sampleValue(samples, 'lars_dnsserver_tcp_closed_write_buffer_full_total')).toBe(0);
  });
});
