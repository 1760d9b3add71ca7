import { type CounterSet, SharedCounters } from '@lars/runtime/counters';
import { exposeDatabaseFile } from '@lars/runtime/http/database-metrics';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import type { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { exposeCertificate } from '@lars/runtime/security/security-metrics';
import { FORMER_TCP_METRIC_NAMES, type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import type { TcpTransport } from '@lars/runtime/transport/tcp-transport';
import { exposeEngine } from '@lars/runtime/transport/transport-metrics';
import { VERSION } from '@lars/runtime/version';
import {
  type DnsserverCounter,
  type DnsserverGauge,
  dnsserverCounters,
  dnsserverGauges,
  FORMER_METRIC_NAMES,
} from './counters.ts';
import type { DnsserverStats } from './dnsserver-stats.ts';

interface MetricSources {
  readonly security: SecurityKeeper;
  readonly transport: TcpTransport;
  readonly databaseFile: string;
}

/** What GET /metrics shows: one figure for all threads together. */
export function dnsserverMetrics(
  counters: readonly SharedCounters<DnsserverCounter>[],
  tcp: readonly SharedCounters<TcpServerCounter>[],
  stats: () => DnsserverStats,
  { security, transport, databaseFile }: MetricSources,
): ReturnType<typeof createRegistry> {
  const registry = createRegistry('dnsserver', VERSION);
  exposeCounters(
    registry,
    'lars_dnsserver',
    [{ labels: {}, counters: new SummedCounters(dnsserverCounters, counters) }],
    FORMER_METRIC_NAMES,
  );
  exposeCounters(
    registry,
    'lars_dnsserver_tcp',
    [{ labels: {}, counters: new SummedCounters(tcpServerCounters, tcp) }],
    FORMER_TCP_METRIC_NAMES,
  );
  exposeGauges(registry, 'lars_dnsserver', [{ labels: {}, counters: new StatsGauges(stats) }]);
  exposeEngine(registry, 'lars_dnsserver_tcp', transport);
  exposeCertificate(registry, 'lars_dnsserver', security);
  exposeDatabaseFile(registry, databaseFile);
  return registry;
}

/** The sums of what several threads count, each in counters of its own. */
class SummedCounters<Name extends string> extends SharedCounters<Name> {
  readonly #summands: readonly SharedCounters<Name>[];

  constructor(set: CounterSet<Name>, summands: readonly SharedCounters<Name>[]) {
    super(set);
    this.#summands = summands;
  }

  override get(name: Name): number {
    return this.#summands.reduce((sum, counters) => sum + counters.get(name), 0);
  }
}

/** Gauges that are read when somebody scrapes, so that nobody has to keep them up to date. */
class StatsGauges extends SharedCounters<DnsserverGauge> {
  readonly #stats: () => DnsserverStats;

  constructor(stats: () => DnsserverStats) {
    super(dnsserverGauges);
    this.#stats = stats;
  }

  override get(name: DnsserverGauge): number {
    const { outage, kept, workerConnections: _, ...numbers } = this.#stats();
    const guard = { emptyGuard: Number(kept.modules > 0), keptModules: kept.modules, keptHosts: kept.hosts };
    return { ...numbers, ...guard, databaseDown: Number(outage !== undefined) }[name];
  }
}
