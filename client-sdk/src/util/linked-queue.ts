// pure
/** An entry of a Chain. It is in one chain at most. The chain alone reads and writes these. */
export interface Linked<T> {
  before: T | undefined;
  after: T | undefined;
}

/** A first-in first-out queue whose entries can also leave from the middle, in constant time. */
export class Chain<T extends Linked<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first;
  }

  /** The entry must be in no chain. */
  append(entry: T): void {
    entry.before = this.#last;
    entry.after = undefined;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.after = entry;
    this.#last = entry;
    this.#size += 1;
  }

  /** The entry must be in this chain. */
  remove(entry: T): void {
    if (entry.before === undefined) this.#first = entry.after;
    else entry.before.after = entry.after;
    if (entry.after === undefined) this.#last = entry.before;
    else entry.after.before = entry.before;
    entry.before = undefined;
    entry.after = undefined;
    this.#size -= 1;
  }
}
