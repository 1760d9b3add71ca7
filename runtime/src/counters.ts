// pure
/**
 * Counters that one thread writes and another reads without messages: a Float64Array in shared memory, one slot a name. Counting
 * costs one addition; the reader sees whole values, because an aligned 8-byte store is never torn on the machines Node runs on.
 */
export interface CounterSet<Name extends string> {
  readonly names: readonly Name[];
  /** What each counter counts, as the metrics page tells it. */
  readonly help: Readonly<Record<Name, string>>;
  /** Slot of each counter, for CounterBank.add. */
  readonly at: Readonly<Record<Name, number>>;
}

export function defineCounters<Name extends string>(help: Readonly<Record<Name, string>>): CounterSet<Name> {
  const names = Object.keys(help) as Name[];
  const at = Object.fromEntries(names.map((name, slot) => [name, slot])) as Record<Name, number>;
  return { names, help, at };
}

export class CounterBank<Name extends string> {
  readonly set: CounterSet<Name>;
  /** Hand this to the reading thread, which attaches a bank of its own to it. */
  readonly buffer: SharedArrayBuffer;
  readonly #values: Float64Array;

  constructor(set: CounterSet<Name>, buffer: SharedArrayBuffer = new SharedArrayBuffer(set.names.length * 8)) {
    this.set = set;
    this.buffer = buffer;
    this.#values = new Float64Array(buffer);
  }

  /** @param slot one of `set.at` */
  add(slot: number, amount = 1): void {
    this.#values[slot] = (this.#values[slot] as number) + amount;
  }

  /** For gauges: what is so now. */
  put(slot: number, value: number): void {
    this.#values[slot] = value;
  }

  get(name: Name): number {
    return this.#values[this.set.at[name]] as number;
  }

  toObject(): Record<Name, number> {
    return Object.fromEntries(this.set.names.map(name => [name, this.get(name)])) as Record<Name, number>;
  }
}
