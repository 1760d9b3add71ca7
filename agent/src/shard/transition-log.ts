// pure
import { formatHost, formatModule, type ModuleId } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import type { Logger, LogLevel } from '@lars/runtime/log';
import { CAUSE_RULES, type Transition } from '../balancer/balancer.ts';
import { type ShardCounter, shardCounters } from '../counters.ts';

const count = shardCounters.at;
/** Limit of the lines between two calls of `refill`; further transitions are only counted. */
const LINES_PER_PERIOD = 50;

interface Kind {
  readonly counter?: number;
  readonly line?: { readonly level: LogLevel; readonly event: string };
}

const KINDS: Readonly<Record<Transition['to'], Kind>> = {
  ejected: { counter: count.ejections, line: { level: 'warn', event: 'host ejected' } },
  healthy: { counter: count.recoveries, line: { level: 'info', event: 'host recovered' } },
  // A dead host is probed every few seconds: that is for metrics, not for the log of every day.
  probed: { counter: count.probes },
  shedding: { counter: count.sheddings, line: { level: 'warn', event: 'module refuses calls: work waits at its hosts' } },
  'shedding-over': { line: { level: 'info', event: 'module refuses no calls any more' } },
};

/** Counts each transition of a host and logs it once, with the numbers that caused it; a flood is cut, not printed. */
export class TransitionLog {
  readonly #log: Logger;
  readonly #counters: SharedCounters<ShardCounter>;
  #linesLeft = LINES_PER_PERIOD;

  constructor(log: Logger, counters: SharedCounters<ShardCounter>) {
    this.#log = log;
    this.#counters = counters;
  }

  add(module: ModuleId, { host, to, cause, numbers }: Transition): void {
    const { counter, line } = KINDS[to];
    if (counter !== undefined) this.#counters.add(counter);
    if (line === undefined) return;
    if (this.#linesLeft === 0) {
      this.#counters.add(count.transitionsUnlogged);
      return;
    }
    this.#linesLeft -= 1;
    this.#log[line.level](line.event, {
      module: formatModule(module.modid, module.cmdid),
      host: formatHost(host),
      cause,
      rule: CAUSE_RULES[cause],
      ...rounded(numbers),
    });
  }

  /** A new period begins. */
  refill(): void {
    this.#linesLeft = LINES_PER_PERIOD;
  }
}

/** Three decimals are enough for people; times have twelve. */
function rounded(numbers: Transition['numbers']): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Math.round(value * 1_000) / 1_000]));
}
