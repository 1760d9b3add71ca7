/** Apart from everything else, because it is loaded by the first scrape: prom-client takes 10 MB that an agent without one saves. */
import type { CounterBank } from '@lars/runtime/counters';
import { createRegistry, exposeCounters, exposeGauges, type LabelledBank } from '@lars/runtime/http/metrics';
import { VERSION } from '@lars/runtime/version';
import { Gauge, type Registry } from 'prom-client';
import type { AgentBanks, ShardBanks } from './agent-banks.ts';
import { THREAD_NAMES, type ThreadName } from './threads/messages.ts';
import type { Supervisor } from './threads/supervisor.ts';

/** What GET /metrics shows. */
export function agentMetrics(banks: AgentBanks, supervisor: Supervisor<ThreadName>): Registry {
  const registry = createRegistry('agent', VERSION);
  const perShard = <Name extends string>(bankOf: (shard: ShardBanks) => CounterBank<Name>): LabelledBank<Name>[] =>
    banks.shards.map((shard, index) => ({ labels: { shard: String(index) }, bank: bankOf(shard) }));
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
  exposeCounters(registry, 'lars_agent_dnsserver', [{ labels: {}, bank: banks.dns }]);
  exposeGauges(registry, 'lars_agent_dnsserver', [{ labels: {}, bank: banks.dnsGauges }]);
  exposeCounters(registry, 'lars_agent_reporter', [{ labels: {}, bank: banks.reporter }]);
  exposeGauges(registry, 'lars_agent_reporter', [{ labels: {}, bank: banks.reporterGauges }]);
  exposeRestarts(registry, supervisor);
  return registry;
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
