// pure
/** An entry of a LinkedQueue. It is in one queue at most. The queue alone reads and writes its fields. */
export interface Linked<T> {
  prev: T | undefined;
  next: T | undefined;
}

/** A first-in first-out queue whose entries can also leave from the middle, in constant time. */
export class LinkedQueue<T extends Linked<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first;
  }

  /** The entry must be in no queue. */
  append(entry: T): void {
    entry.prev = this.#last;
    entry.next = undefined;
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#size += 1;
  }

  /** The entry must be in this queue. */
  remove(entry: T): void {
    if (entry.prev === undefined) this.#first = entry.next;
    else entry.prev.next = entry.next;
    if (entry.next === undefined) this.#last = entry.prev;
    else entry.next.prev = entry.prev;
    entry.prev = undefined;
    entry.next = undefined;
    this.#size -= 1;
  }
}
