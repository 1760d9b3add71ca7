import { SharedCounters } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import type { TcpServerCounter } from '@lars/runtime/tcp/framed-server';
import { VERSION } from '@lars/runtime/version';
import { type ReporterCounter, type ReporterGauge, reporterGauges } from './counters.ts';
import type { ReporterStats } from './reporter-stats.ts';

/** What GET /metrics shows. */
export function reporterMetrics(
  counters: SharedCounters<ReporterCounter>,
  tcp: SharedCounters<TcpServerCounter>,
  stats: () => ReporterStats,
): ReturnType<typeof createRegistry> {
  const registry = createRegistry('reporter', VERSION);
  exposeCounters(registry, 'lars_reporter', [{ labels: {}, counters: counters }]);
  exposeCounters(registry, 'lars_reporter_tcp', [{ labels: {}, counters: tcp }]);
  exposeGauges(registry, 'lars_reporter', [{ labels: {}, counters: new StatsBank(stats) }]);
  return registry;
}

/** Gauges that are asked for when somebody looks, so that nobody keeps them. */
class StatsBank extends SharedCounters<ReporterGauge> {
  readonly #stats: () => ReporterStats;

  constructor(stats: () => ReporterStats) {
    super(reporterGauges);
    this.#stats = stats;
  }

  override get(name: ReporterGauge): number {
    const { paused, outage, lastError, ...numbers } = this.#stats();
    return { ...numbers, paused: Number(paused), databaseDown: Number(outage !== undefined) }[name];
  }
}
