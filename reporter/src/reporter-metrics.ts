import { SharedCounters } from '@lars/runtime/counters';
import { exposeDatabaseFile } from '@lars/runtime/http/database-metrics';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import type { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { exposeCertificate } from '@lars/runtime/security/security-metrics';
import { FORMER_TCP_METRIC_NAMES, type TcpServerCounter } from '@lars/runtime/tcp/tcp-counters';
import type { TcpTransport } from '@lars/runtime/transport/tcp-transport';
import { exposeEngine } from '@lars/runtime/transport/transport-metrics';
import { VERSION } from '@lars/runtime/version';
import { FORMER_GAUGE_NAMES, type ReporterCounter, type ReporterGauge, reporterGauges } from './counters.ts';
import type { ReporterStats } from './reporter-stats.ts';

interface MetricSources {
  readonly security: SecurityKeeper;
  readonly transport: TcpTransport;
  readonly databaseFile: string;
}

/** What GET /metrics shows. */
export function reporterMetrics(
  counters: SharedCounters<ReporterCounter>,
  tcp: SharedCounters<TcpServerCounter>,
  stats: () => ReporterStats,
  { security, transport, databaseFile }: MetricSources,
): ReturnType<typeof createRegistry> {
  const registry = createRegistry('reporter', VERSION);
  exposeCounters(registry, 'lars_reporter', [{ labels: {}, counters: counters }]);
  exposeCounters(registry, 'lars_reporter_tcp', [{ labels: {}, counters: tcp }], FORMER_TCP_METRIC_NAMES);
  exposeGauges(registry, 'lars_reporter', [{ labels: {}, counters: new StatsGauges(stats) }], FORMER_GAUGE_NAMES);
  exposeEngine(registry, 'lars_reporter_tcp', transport);
  exposeCertificate(registry, 'lars_reporter', security);
  exposeDatabaseFile(registry, databaseFile);
  return registry;
}

/** Gauges that are read when somebody scrapes, so that nobody has to keep them up to date. */
class StatsGauges extends SharedCounters<ReporterGauge> {
  readonly #stats: () => ReporterStats;

  constructor(stats: () => ReporterStats) {
    super(reporterGauges);
    this.#stats = stats;
  }

  override get(name: ReporterGauge): number {
    const { paused, outage, lastError, clockSkew, ...numbers } = this.#stats();
    return { ...numbers, paused: Number(paused), databaseDown: Number(outage !== undefined) }[name];
  }
}
