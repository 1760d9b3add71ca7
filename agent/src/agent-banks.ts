import { CounterBank } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges, type LabelledBank } from '@lars/runtime/http/metrics';
import { VERSION } from '@lars/runtime/version';
import { Gauge, type Registry } from 'prom-client';
import {
  type DnsCounter,
  dnsCounters,
  type LinkGauge,
  linkGauges,
  type ReporterCounter,
  reporterCounters,
  type ShardCounter,
  type ShardGauge,
  shardCounters,
  shardGauges,
} from './counters.ts';
import { SHARD_NAMES, THREAD_NAMES, type ThreadName } from './threads/messages.ts';
import type { Supervisor } from './threads/supervisor.ts';

export interface ShardBanks {
  readonly counters: CounterBank<ShardCounter>;
  readonly gauges: CounterBank<ShardGauge>;
}

/** The counters of all threads, in shared memory: a thread that dies leaves its counts to its successor. */
export class AgentBanks {
  readonly shards: readonly ShardBanks[] = SHARD_NAMES.map(() => ({
    counters: new CounterBank<ShardCounter>(shardCounters),
    gauges: new CounterBank<ShardGauge>(shardGauges),
  }));
  readonly dns = new CounterBank<DnsCounter>(dnsCounters);
  readonly dnsGauges = new CounterBank<LinkGauge>(linkGauges);
  readonly reporter = new CounterBank<ReporterCounter>(reporterCounters);
  readonly reporterGauges = new CounterBank<LinkGauge>(linkGauges);

  /** One counter's sum over the shards. */
  shardTotal(name: ShardCounter): number {
    return this.shards.reduce((sum, shard) => sum + shard.counters.get(name), 0);
  }

  shardGaugeTotal(name: ShardGauge): number {
    return this.shards.reduce((sum, shard) => sum + shard.gauges.get(name), 0);
  }

  registry(supervisor: Supervisor<ThreadName>): Registry {
    const registry = createRegistry('agent', VERSION);
    const perShard = <Name extends string>(bankOf: (shard: ShardBanks) => CounterBank<Name>): LabelledBank<Name>[] =>
      this.shards.map((shard, index) => ({ labels: { shard: String(index) }, bank: bankOf(shard) }));
    exposeCounters(
      registry,
      'lars_agent',
      perShard(shard => shard.counters),
    );
    exposeGauges(
      registry,
      'lars_agent',
      perShard(shard => shard.gauges),
    );
    exposeCounters(registry, 'lars_agent_dnsserver', [{ labels: {}, bank: this.dns }]);
    exposeGauges(registry, 'lars_agent_dnsserver', [{ labels: {}, bank: this.dnsGauges }]);
    exposeCounters(registry, 'lars_agent_reporter', [{ labels: {}, bank: this.reporter }]);
    exposeGauges(registry, 'lars_agent_reporter', [{ labels: {}, bank: this.reporterGauges }]);
    exposeRestarts(registry, supervisor);
    return registry;
  }
}

function exposeRestarts(registry: Registry, supervisor: Supervisor<ThreadName>): void {
  new Gauge({
    name: 'lars_agent_thread_restarts',
    help: 'How often each thread was started again after it had died',
    labelNames: ['thread'],
    registers: [registry],
    collect() {
      for (const thread of THREAD_NAMES) this.set({ thread }, supervisor.restarts(thread));
    },
  });
}
