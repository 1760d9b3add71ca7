import { type CounterSet, SharedCounters } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import { type TcpServerCounter, tcpServerCounters } from '@lars/runtime/tcp/tcp-counters';
import { VERSION } from '@lars/runtime/version';
import { type DnsserverCounter, type DnsserverGauge, dnsserverCounters, dnsserverGauges } from './counters.ts';
import type { DnsserverStats } from './dnsserver-stats.ts';

/** What GET /metrics shows: one figure for all threads together. */
export function dnsserverMetrics(
  counters: readonly SharedCounters<DnsserverCounter>[],
  tcp: readonly SharedCounters<TcpServerCounter>[],
  stats: () => DnsserverStats,
): ReturnType<typeof createRegistry> {
  const registry = createRegistry('dnsserver', VERSION);
  exposeCounters(registry, 'lars_dnsserver', [{ labels: {}, counters: new SumBank(dnsserverCounters, counters) }]);
  exposeCounters(registry, 'lars_dnsserver_tcp', [{ labels: {}, counters: new SumBank(tcpServerCounters, tcp) }]);
  exposeGauges(registry, 'lars_dnsserver', [{ labels: {}, counters: new StatsBank(stats) }]);
  return registry;
}

/** What several threads count, each in a bank of its own. */
class SumBank<Name extends string> extends SharedCounters<Name> {
  readonly #banks: readonly SharedCounters<Name>[];

  constructor(set: CounterSet<Name>, banks: readonly SharedCounters<Name>[]) {
    super(set);
    this.#banks = banks;
  }

  override get(name: Name): number {
    return this.#banks.reduce((sum, bank) => sum + bank.get(name), 0);
  }
}

/** Gauges that are asked for when somebody looks, so that nobody keeps them. */
class StatsBank extends SharedCounters<DnsserverGauge> {
  readonly #stats: () => DnsserverStats;

  constructor(stats: () => DnsserverStats) {
    super(dnsserverGauges);
    this.#stats = stats;
  }

  override get(name: DnsserverGauge): number {
    const { outage, emptyGuard, workerConnections: _, ...numbers } = this.#stats();
    return { ...numbers, emptyGuard: Number(emptyGuard), databaseDown: Number(outage !== undefined) }[name];
  }
}
