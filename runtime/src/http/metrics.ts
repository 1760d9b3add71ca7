import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { CounterBank, CounterSet } from '../counters.ts';

/** Where one counter bank's values appear: the labels that tell it from its siblings, such as { shard: '0' }. */
export interface LabelledBank<Name extends string> {
  readonly labels: Readonly<Record<string, string>>;
  readonly bank: CounterBank<Name>;
}

/** The names that some counters had before they were renamed. */
export type FormerNames<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** A registry with the process's own figures (CPU, memory, event loop) and which LARS service this is. */
export function createRegistry(service: string, version: string): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'lars_build_info',
    help: 'Constant 1; the labels tell what runs',
    labelNames: ['service', 'version'],
    registers: [registry],
  }).set({ service, version }, 1);
  return registry;
}

/**
 * Shows banks as Prometheus counters named `${prefix}_${name}_total`, read when somebody scrapes. All banks share one set of
 * names. Labels must be few and bounded: a module or a host is never one.
 * @param formerNames are shown beside the new names
 */
export function exposeCounters<Name extends string>(
  registry: Registry,
  prefix: string,
  banks: readonly LabelledBank<Name>[],
  formerNames?: FormerNames<Name>,
): void {
  const first = banks[0];
  if (first === undefined) return;
  for (const { shownName, name, help } of shownMetrics(first.bank.set, formerNames)) {
    new Counter({
      name: `${prefix}_${snakeCase(shownName)}_total`,
      help,
      labelNames: Object.keys(first.labels),
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, bank } of banks) this.inc(labels, bank.get(name));
      },
    });
  }
}

/** The same for values that go up and down, named `${prefix}_${name}`. */
export function exposeGauges<Name extends string>(
  registry: Registry,
  prefix: string,
  banks: readonly LabelledBank<Name>[],
  formerNames?: FormerNames<Name>,
): void {
  const first = banks[0];
  if (first === undefined) return;
  for (const { shownName, name, help } of shownMetrics(first.bank.set, formerNames)) {
    new Gauge({
      name: `${prefix}_${snakeCase(shownName)}`,
      help,
      labelNames: Object.keys(first.labels),
      registers: [registry],
      collect() {
        for (const { labels, bank } of banks) this.set(labels, bank.get(name));
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
