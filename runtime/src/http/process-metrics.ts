import { collectDefaultMetrics, type Registry } from 'prom-client';

/**
 * What prom-client shows against the conventions of Prometheus: gauges whose names end as counters' do, whose sum nodejs_active_resources
 * has too; and figures of the event loop that are no number (or 292 years) when no tick has ended since the last scrape.
 */
const LEFT_OUT = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_lag_min_seconds',
  'nodejs_eventloop_lag_mean_seconds',
  'nodejs_eventloop_lag_stddev_seconds',
] as const;

/** The process's own figures: CPU, memory, open files, event loop, garbage collection. */
export function exposeProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
}
