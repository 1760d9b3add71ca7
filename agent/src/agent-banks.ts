import { CounterBank } from '@lars/runtime/counters';
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
import { SHARD_NAMES } from './threads/messages.ts';

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
}
