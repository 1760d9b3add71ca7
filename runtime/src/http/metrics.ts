import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { SharedCounters } from '../counters.ts';

/** Counters of one thread and the labels that tell them from those of its siblings, such as { shard: '0' }. */
export interface LabelledCounters<Name extends string> {
  readonly labels: Readonly<Record<string, string>>;
  readonly counters: SharedCounters<Name>;
}

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
 * Shows counters as Prometheus counters named `${prefix}_${name}_total`, read when somebody scrapes. All share one set of
 * names. Labels must be few and bounded: a module or a host is never one.
 */
export function exposeCounters<Name extends string>(
  registry: Registry,
  prefix: string,
  all: readonly LabelledCounters<Name>[],
): void {
  const first = all[0];
  if (first === undefined) return;
  for (const name of first.counters.definition.names) {
    new Counter({
      name: `${prefix}_${snakeCase(name)}_total`,
      help: first.counters.definition.help[name],
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
): void {
  const first = all[0];
  if (first === undefined) return;
  for (const name of first.counters.definition.names) {
    new Gauge({
      name: `${prefix}_${snakeCase(name)}`,
      help: first.counters.definition.help[name],
      labelNames: Object.keys(first.labels),
      registers: [registry],
      collect() {
        for (const { labels, counters } of all) this.set(labels, counters.get(name));
      },
    });
  }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}
