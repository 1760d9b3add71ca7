import type { SharedCounters } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import { VERSION } from '@lars/runtime/version';
import type { ProxyCounter, ProxyGauge } from './counters.ts';

/** What GET /metrics shows, for each thread. */
export function proxyMetrics(
  counters: readonly SharedCounters<ProxyCounter>[],
  gauges: readonly SharedCounters<ProxyGauge>[],
): ReturnType<typeof createRegistry> {
  const registry = createRegistry('proxy', VERSION);
  const labelled = <Name extends string>(all: readonly SharedCounters<Name>[]) =>
    all.map((each, thread) => ({ labels: { thread: String(thread) }, counters: each }));
  exposeCounters(registry, 'lars_proxy', labelled(counters));
  exposeGauges(registry, 'lars_proxy', labelled(gauges));
  return registry;
}
