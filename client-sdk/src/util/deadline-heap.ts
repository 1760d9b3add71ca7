// pure
/** An entry of a DeadlineHeap. */
export interface HasDeadline {
  readonly deadlineMs: number;
  /** Where the entry stands in the heap. The heap alone reads and writes it; start with any number. */
  heapIndex: number;
}

/**
 * Entries by deadline, the earliest first: a binary heap. An entry knows its place, so that one that leaves early (nearly all do,
 * because they are answered) costs no search and leaves nothing behind.
 */
export class DeadlineHeap<T extends HasDeadline> {
  readonly #entries: T[] = [];

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest deadline, or undefined when the heap is empty. */
  get nextMs(): number | undefined {
    return this.#entries[0]?.deadlineMs;
  }

  add(entry: T): void {
    this.#put(entry, this.#entries.length);
    this.#rise(entry);
  }

  /** @returns false when the entry is not in the heap */
  remove(entry: T): boolean {
    const at = entry.heapIndex;
    if (this.#entries[at] !== entry) return false;
    const last = this.#entries.pop() as T;
    if (last !== entry) {
      this.#put(last, at);
      this.#rise(last);
      this.#sink(last);
    }
    return true;
  }

  /** Takes out the earliest entry if its deadline has come. */
  takeDue(nowMs: number): T | undefined {
    const first = this.#entries[0];
    if (first === undefined || first.deadlineMs > nowMs) return undefined;
    this.remove(first);
    return first;
  }

  #put(entry: T, at: number): void {
    this.#entries[at] = entry;
    entry.heapIndex = at;
  }

  #rise(entry: T): void {
    while (entry.heapIndex > 0) {
      const at = entry.heapIndex;
      const parentAt = (at - 1) >> 1;
      const parent = this.#entries[parentAt] as T;
      if (parent.deadlineMs <= entry.deadlineMs) return;
      this.#put(parent, at);
      this.#put(entry, parentAt);
    }
  }

  #sink(entry: T): void {
    for (;;) {
      const at = entry.heapIndex;
      const child = this.#earlierChild(at);
      if (child === undefined || child.deadlineMs >= entry.deadlineMs) return;
      const childAt = child.heapIndex;
      this.#put(child, at);
      this.#put(entry, childAt);
    }
  }

  #earlierChild(at: number): T | undefined {
    const left = this.#entries[2 * at + 1];
    const right = this.#entries[2 * at + 2];
    if (left === undefined || right === undefined) return left;
    return right.deadlineMs < left.deadlineMs ? right : left;
  }
}
