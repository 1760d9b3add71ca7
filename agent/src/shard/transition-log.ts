// pure
import { formatHost, formatModule } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { Transition } from '../balancer/balancer.ts';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { ModuleId } from '../threads/messages.ts';

const count = shardCounters.at;
/** So many transitions are logged between two calls of `refill`; more are only counted. */
const LINES_PER_PERIOD = 50;

const COUNTER_OF: Readonly<Record<Transition['to'], number | undefined>> = {
  idle: count.transitionsToIdle,
  overloaded: count.transitionsToOverloaded,
  probed: count.probes,
  shedding: count.sheddings,
  'shedding-over': undefined,
};

const MESSAGES: Readonly<Record<Transition['to'], string>> = {
  idle: 'host idle',
  overloaded: 'host overloaded',
  probed: 'host probed',
  shedding: 'module refuses calls: work waits at its hosts',
  'shedding-over': 'module refuses no calls any more',
};

/** Counts each transition of a host and logs it once, with the numbers that caused it; a flood is cut, not printed. */
export class TransitionLog {
  readonly #log: Logger;
  readonly #counters: CounterBank<ShardCounter>;
  #linesLeft = LINES_PER_PERIOD;

  constructor(log: Logger, counters: CounterBank<ShardCounter>) {
    this.#log = log;
    this.#counters = counters;
  }

  add(module: ModuleId, { host, to, cause, numbers }: Transition): void {
    const counter = COUNTER_OF[to];
    if (counter !== undefined) this.#counters.add(counter);
    // A dead host is probed every few seconds: that is for metrics, not for the log of every day.
    if (to === 'probed') return;
    if (this.#linesLeft === 0) {
      this.#counters.add(count.transitionsUnlogged);
      return;
    }
    this.#linesLeft -= 1;
    this.#log.info(MESSAGES[to], {
      module: formatModule(module.modid, module.cmdid),
      host: formatHost(host),
      cause,
      ...rounded(numbers),
    });
  }

  /** A new period begins. */
  refill(): void {
    this.#linesLeft = LINES_PER_PERIOD;
  }
}

/** Times have twelve decimals; nobody wants to read them. */
function rounded(numbers: Transition['numbers']): Record<string, number> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, Math.round(value * 1_000) / 1_000]));
}
