import type { SharedCounters } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import { VERSION } from '@lars/runtime/version';
import type { ProxyView } from './proxy-status.ts';

/** What GET /metrics shows, for each thread. */
export function proxyMetrics({ counters, gauges, threadCounters, threadGauges }: ProxyView): ReturnType<typeof createRegistry> {
  const registry = createRegistry('proxy', VERSION);
  const labelled = <Name extends string>(all: readonly SharedCounters<Name>[]) =>
    all.map((each, thread) => ({ labels: { thread: String(thread) }, counters: each }));
  exposeCounters(registry, 'lars_proxy', labelled(counters));
  exposeGauges(registry, 'lars_proxy', labelled(gauges));
  exposeCounters(registry, 'lars_proxy', labelled(threadCounters));
  exposeGauges(registry, 'lars_proxy', labelled(threadGauges));
  return registry;
}
