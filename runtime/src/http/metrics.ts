import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { CounterBank } from '../counters.ts';

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
  const { names, help } = first.bank.set;
  const formers = names.flatMap(name => {
    const former = formerNames?.[name];
    return former === undefined ? [] : [[former, name, `Former name of ${snakeCase(name)}`] as const];
  });
  for (const [shownName, name, text] of [...names.map(name => [name, name, help[name]] as const), ...formers]) {
    new Counter({
      name: `${prefix}_${snakeCase(shownName)}_total`,
      help: text,
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
): void {
  const first = banks[0];
  if (first === undefined) return;
  for (const name of first.bank.set.names) {
    new Gauge({
      name: `${prefix}_${snakeCase(name)}`,
      help: first.bank.set.help[name],
      labelNames: Object.keys(first.labels),
      registers: [registry],
      collect() {
        for (const { labels, bank } of banks) this.set(labels, bank.get(name));
      },
    });
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}
