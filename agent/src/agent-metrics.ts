/** A file of its own, because the first scrape loads it: prom-client takes 10 MB, which an agent that is not scraped saves. */
import type { SharedCounters } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges, type LabelledCounters } from '@lars/runtime/http/metrics';
import type { SecurityKeeper } from '@lars/runtime/security/security-keeper';
import { exposeCertificate } from '@lars/runtime/security/security-metrics';
import { VERSION } from '@lars/runtime/version';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { AgentCounters, ShardCounters } from './agent-counters.ts';
import { FORMER_NAMES } from './counters.ts';
import { exposeModules } from './module-metrics.ts';
import { mergeWatched, type WatchedModules } from './shard/module-figures.ts';
import { SHARD_NAMES, THREAD_NAMES, type ThreadName } from './threads/messages.ts';
import type { Supervisor } from './threads/supervisor.ts';

/**
 * What GET /metrics shows.
 * @param topModules how many of the busiest modules; 0: nothing of single modules
 */
export function agentMetrics(
  counters: AgentCounters,
  supervisor: Supervisor<ThreadName>,
  security: SecurityKeeper,
  topModules: number,
): Registry {
  const registry = createRegistry('agent', VERSION);
  const perShard = <Name extends string>(of: (shard: ShardCounters) => SharedCounters<Name>): LabelledCounters<Name>[] =>
    counters.shards.map((shard, index) => ({ labels: { shard: String(index) }, counters: of(shard) }));
  const one = <Name extends string>(shared: SharedCounters<Name>): LabelledCounters<Name>[] => [{ labels: {}, counters: shared }];
  const { shardCounters, shardGauges, dnsCounters } = FORMER_NAMES;
  exposeCounters(
    registry,
    'lars_agent',
    perShard(shard => shard.counters),
    shardCounters,
  );
  exposeGauges(
    registry,
    'lars_agent',
    perShard(shard => shard.gauges),
    shardGauges,
  );
  exposeCounters(registry, 'lars_agent_dnsserver', one(counters.dns), dnsCounters);
  exposeGauges(registry, 'lars_agent_dnsserver', one(counters.dnsGauges));
  exposeCounters(registry, 'lars_agent_reporter', one(counters.reporter));
  exposeGauges(registry, 'lars_agent_reporter', one(counters.reporterGauges));
  exposeThreads(registry, supervisor);
  exposeCertificate(registry, 'lars_agent', security);
  if (topModules > 0) exposeModules(registry, () => watchedModules(supervisor, topModules));
  return registry;
}

/** A shard that does not answer in time has no modules in this scrape. */
async function watchedModules(supervisor: Supervisor<ThreadName>, topModules: number): Promise<WatchedModules> {
  const answers = await Promise.all(SHARD_NAMES.map(name => supervisor.askThread(name, { what: 'watched-modules' })));
  return mergeWatched(
    answers.filter(answer => answer !== undefined).map(answer => answer as WatchedModules),
    topModules,
  );
}

function exposeThreads(registry: Registry, supervisor: Supervisor<ThreadName>): void {
  exposeByThread(registry, 'thread_restarts', 'How often each thread was started again after it had died', name =>
    supervisor.restarts(name),
  );
  exposeByThread(
    registry,
    'thread_silences',
    'How often each thread gave no sign of life for 3 s; after 10 s it is replaced',
    name => supervisor.silences(name),
  );
}

/** A counter, and for one release beside it the gauge that it was before. */
function exposeByThread(registry: Registry, name: string, help: string, read: (thread: ThreadName) => number): void {
  const labelled = { labelNames: ['thread'], registers: [registry] };
  new Counter({
    name: `lars_agent_${name}_total`,
    help,
    ...labelled,
    collect() {
      this.reset();
      for (const thread of THREAD_NAMES) this.inc({ thread }, read(thread));
    },
  });
  new Gauge({
    name: `lars_agent_${name}`,
    help: `Former name of ${name}_total`,
    ...labelled,
    collect() {
      for (const thread of THREAD_NAMES) this.set({ thread }, read(thread));
    },
  });
}
