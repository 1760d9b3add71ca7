import { Counter, Gauge, Registry } from 'prom-client';
import type { CounterSet, SharedCounters } from '../counters.ts';
import { logCounters } from '../log-output.ts';
import { exposeProcess } from './process-metrics.ts';

/** Counters of one thread and the labels that tell them from those of its siblings, such as { shard: '0' }. */
export interface LabelledCounters<Name extends string> {
  readonly labels: Readonly<Record<string, string>>;
  readonly counters: SharedCounters<Name>;
}

/** The names that some counters had before they were renamed. */
export type FormerNames<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** A registry with the process's own figures (CPU, memory, event loop, its log) and which LARS service this is. */
export function createRegistry(service: string, version: string): Registry {
  const registry = new Registry();
  exposeProcess(registry);
  new Gauge({
    name: 'lars_build_info',
    help: 'Constant 1; the labels tell what runs',
    labelNames: ['service', 'version'],
    registers: [registry],
  }).set({ service, version }, 1);
  exposeCounters(registry, 'lars_log', [{ labels: {}, counters: logCounters }]);
  return registry;
}

/**
 * Shows counters as Prometheus counters named `${prefix}_${name}_total`, read when somebody scrapes. All share one set of
 * names. Labels must be few and bounded: a module or a host is none (the agent's module-metrics.ts shows some of them).
 * @param formerNames are shown beside the new names
 */
export function exposeCounters<Name extends string>(
  registry: Registry,
  prefix: string,
  all: readonly LabelledCounters<Name>[],
  formerNames?: FormerNames<Name>,
): void {
  const first = all[0];
  if (first === undefined) return;
  for (const { shownName, name, help } of shownMetrics(first.counters.definition, formerNames)) {
    new Counter({
      name: `${prefix}_${snakeCase(shownName)}_total`,
      help,
      labelNames: Object.keys(first.labels),
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, counters } of all) this.inc(labels, counters.get(name));
      },
    });
  }
}

/** The same for values that go up and down, named `${prefix}_${name}`. */
export function exposeGauges<Name extends string>(
  registry: Registry,
  prefix: string,
  all: readonly LabelledCounters<Name>[],
  formerNames?: FormerNames<Name>,
): void {
  const first = all[0];
  if (first === undefined) return;
  for (const { shownName, name, help } of shownMetrics(first.counters.definition, formerNames)) {
    new Gauge({
      name: `${prefix}_${snakeCase(shownName)}`,
      help,
      labelNames: Object.keys(first.labels),
      registers: [registry],
      collect() {
        for (const { labels, counters } of all) this.set(labels, counters.get(name));
      },
    });
  }
}

/** All counters of a set, and those that were renamed once more under their former names. */
function shownMetrics<Name extends string>({ names, help }: CounterSet<Name>, formerNames: FormerNames<Name> | undefined) {
  const renamed = names.flatMap(name => {
    const former = formerNames?.[name];
    return former === undefined ? [] : [{ shownName: former, name, help: `Former name of ${snakeCase(name)}` }];
  });
  return [...names.map(name => ({ shownName: name, name, help: help[name] })), ...renamed];
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}
