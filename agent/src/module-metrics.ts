import { Counter, Gauge, type Registry } from 'prom-client';
import type { ModuleFigures, WatchedModules } from './shard/module-figures.ts';

const MODULE_LABELS = ['modid', 'cmdid'] as const;

type Watch = () => Promise<WatchedModules>;

/**
 * The busiest modules and those in trouble, and their ejected hosts. Which ones these are is another matter at each scrape, so each metric begins
 * anew; a counter goes on where it was when its module is shown again.
 */
export function exposeModules(registry: Registry, watch: Watch): void {
  const watchOnce = sharedWhilePending(watch);
  const counter = (name: string, help: string, read: (module: ModuleFigures) => number) =>
    new Counter({
      name: `lars_agent_module_${name}_total`,
      help: `${help}; the busiest modules and those in trouble, as of their last status reports`,
      labelNames: [...MODULE_LABELS],
      registers: [registry],
      async collect() {
        const modules = shown(await watchOnce());
        this.reset();
        for (const module of modules) this.inc(labelsOf(module), read(module));
      },
    });
  counter('calls', 'Calls whose results were reported', ({ calls }) => calls);
  counter('call_errors', 'Calls that failed', ({ errors }) => errors);
  counter('call_seconds', 'Sum of the durations of these calls, where callers told them', module => module.durationMs / 1_000);
  exposeHostCounts(registry, watchOnce);
  exposeShedding(registry, watchOnce);
  exposeEjectedHosts(registry, watchOnce);
}

function exposeHostCounts(registry: Registry, watch: Watch): void {
  new Gauge({
    name: 'lars_agent_module_hosts',
    help: 'Hosts of a module by what they get: ordinary calls (healthy), probes alone (ejected), nothing (draining)',
    labelNames: [...MODULE_LABELS, 'state'],
    registers: [registry],
    async collect() {
      const modules = shown(await watch());
      this.reset();
      for (const module of modules) {
        const { healthyHosts, ejectedHosts, drainingHosts } = module;
        for (const [state, hosts] of Object.entries({ healthy: healthyHosts, ejected: ejectedHosts, draining: drainingHosts })) {
          this.set({ ...labelsOf(module), state }, hosts);
        }
      }
    },
  });
}

function exposeShedding(registry: Registry, watch: Watch): void {
  new Gauge({
    name: 'lars_agent_module_shedding',
    help: '1 while the module refuses calls, because work waits at its hosts (adaptive)',
    labelNames: [...MODULE_LABELS],
    registers: [registry],
    async collect() {
      const modules = shown(await watch());
      this.reset();
      for (const module of modules) this.set(labelsOf(module), Number(module.isShedding));
    },
  });
}

function exposeEjectedHosts(registry: Registry, watch: Watch): void {
  new Gauge({
    name: 'lars_agent_host_ejected_seconds',
    help: 'For how long a host has been ejected; the hosts of troubled modules, the longest ejected first',
    labelNames: [...MODULE_LABELS, 'host'],
    registers: [registry],
    async collect() {
      const { ejectedHosts } = await watch();
      this.reset();
      for (const { host, forMs, ...module } of ejectedHosts) this.set({ ...labelsOf(module), host }, forMs / 1_000);
    },
  });
}

/** Each once, though it may be busy and in trouble. */
function shown({ busiest, troubled }: WatchedModules): ModuleFigures[] {
  return [...new Map([...busiest, ...troubled].map(module => [`${module.modid}/${module.cmdid}`, module])).values()];
}

function labelsOf({ modid, cmdid }: { readonly modid: number; readonly cmdid: number }) {
  return { modid: String(modid), cmdid: String(cmdid) };
}

/** All metrics of one scrape show the same answer: the shards are asked once. */
function sharedWhilePending<T>(ask: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () => {
    pending ??= ask().finally(() => {
      pending = undefined;
    });
    return pending;
  };
}
