/** A file of its own, because the first scrape loads it: prom-client takes 10 MB, which an agent that is not scraped saves. */
import { type CounterSet, SharedCounters } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges, type LabelledCounters } from '@lars/runtime/http/metrics';
import { VERSION } from '@lars/runtime/version';
import { Gauge, type Registry } from 'prom-client';
import type { AgentCounters, ShardCounters } from './agent-counters.ts';
import { RENAMED } from './counters.ts';
import { THREAD_NAMES, type ThreadName } from './threads/messages.ts';
import type { Supervisor } from './threads/supervisor.ts';

/** What GET /metrics shows. */
export function agentMetrics(counters: AgentCounters, supervisor: Supervisor<ThreadName>): Registry {
  const registry = createRegistry('agent', VERSION);
  const perShard = <Name extends string>(of: (shard: ShardCounters) => SharedCounters<Name>): LabelledCounters<Name>[] =>
    counters.shards.map((shard, index) => ({ labels: { shard: String(index) }, counters: of(shard) }));
  const one = <Name extends string>(shared: SharedCounters<Name>): LabelledCounters<Name>[] => [{ labels: {}, counters: shared }];
  exposeCounters(
    registry,
    'lars_agent',
    perShard(shard => shard.counters),
  );
  exposeCounters(
    registry,
    'lars_agent',
    perShard(shard => underOldNames(shard.counters, RENAMED.shardCounters)),
  );
  exposeGauges(
    registry,
    'lars_agent',
    perShard(shard => shard.gauges),
  );
  exposeGauges(
    registry,
    'lars_agent',
    perShard(shard => underOldNames(shard.gauges, RENAMED.shardGauges)),
  );
  exposeCounters(registry, 'lars_agent_dnsserver', one(counters.dns));
  exposeCounters(registry, 'lars_agent_dnsserver', one(underOldNames(counters.dns, RENAMED.dnsCounters)));
  exposeGauges(registry, 'lars_agent_dnsserver', one(counters.dnsGauges));
  exposeCounters(registry, 'lars_agent_reporter', one(counters.reporter));
  exposeGauges(registry, 'lars_agent_reporter', one(counters.reporterGauges));
  exposeRestarts(registry, supervisor);
  return registry;
}

/** The same shared memory, with the old names of renamed counters at the slots of the new ones. */
function underOldNames<Old extends string, Name extends string>(
  counters: SharedCounters<Name>,
  renamed: Readonly<Record<Old, Name>>,
): SharedCounters<Old> {
  const names = Object.keys(renamed) as Old[];
  const byOldName = <Value>(read: (name: Name) => Value) =>
    Object.fromEntries(names.map(old => [old, read(renamed[old])])) as Record<Old, Value>;
  const { at, help } = counters.definition;
  const set: CounterSet<Old> = {
    names,
    at: byOldName(name => at[name]),
    help: byOldName(name => `Old name of ${name}, which goes away with the next release. ${help[name]}`),
  };
  return new SharedCounters(set, counters.buffer);
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
