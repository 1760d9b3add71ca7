import { SharedCounters } from '@lars/runtime/counters';
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

export interface ShardCounters {
  readonly counters: SharedCounters<ShardCounter>;
  readonly gauges: SharedCounters<ShardGauge>;
}

/** The counters of all threads. They are in shared memory, so the successor of a thread that dies goes on with its counts. */
export class AgentCounters {
  readonly shards: readonly ShardCounters[] = SHARD_NAMES.map(() => ({
    counters: new SharedCounters<ShardCounter>(shardCounters),
    gauges: new SharedCounters<ShardGauge>(shardGauges),
  }));
  readonly dns = new SharedCounters<DnsCounter>(dnsCounters);
  readonly dnsGauges = new SharedCounters<LinkGauge>(linkGauges);
  readonly reporter = new SharedCounters<ReporterCounter>(reporterCounters);
  readonly reporterGauges = new SharedCounters<LinkGauge>(linkGauges);

  /** One counter's sum over the shards. */
  shardTotal(name: ShardCounter): number {
    return this.shards.reduce((sum, shard) => sum + shard.counters.get(name), 0);
  }

  /** The largest of one gauge's values. */
  shardGaugeMax(name: ShardGauge): number {
    return Math.max(...this.shards.map(shard => shard.gauges.get(name)));
  }

  shardGaugeTotal(name: ShardGauge): number {
    return this.shards.reduce((sum, shard) => sum + shard.gauges.get(name), 0);
  }
}
