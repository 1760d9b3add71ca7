import { CounterBank } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import type { TcpServerCounter } from '@lars/runtime/tcp/framed-server';
import { VERSION } from '@lars/runtime/version';
import { type DnsserverCounter, type DnsserverGauge, dnsserverGauges } from './counters.ts';
import type { DnsserverStats } from './dnsserver-stats.ts';

/** What GET /metrics shows. */
export function dnsserverMetrics(
  counters: CounterBank<DnsserverCounter>,
  tcp: CounterBank<TcpServerCounter>,
  stats: () => DnsserverStats,
): ReturnType<typeof createRegistry> {
  const registry = createRegistry('dnsserver', VERSION);
  exposeCounters(registry, 'lars_dnsserver', [{ labels: {}, bank: counters }]);
  exposeCounters(registry, 'lars_dnsserver_tcp', [{ labels: {}, bank: tcp }]);
  exposeGauges(registry, 'lars_dnsserver', [{ labels: {}, bank: new StatsBank(stats) }]);
  return registry;
}

/** Gauges that are asked for when somebody looks, so that nobody keeps them. */
class StatsBank extends CounterBank<DnsserverGauge> {
  readonly #stats: () => DnsserverStats;

  constructor(stats: () => DnsserverStats) {
    super(dnsserverGauges);
    this.#stats = stats;
  }

  override get(name: DnsserverGauge): number {
    const { outage, emptyGuard, ...numbers } = this.#stats();
    return { ...numbers, emptyGuard: Number(emptyGuard), databaseDown: Number(outage !== undefined) }[name];
  }
}
