// pure
/** Virtual time: what is to happen, in order. Of two actions for the same moment the one that was put down first comes first. */
export class Agenda {
  #nowMs = 0;
  #written = 0;
  /** A binary heap: no entry comes before its parent, the one at (index - 1) >> 1. */
  readonly #heap: Entry[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, action: () => void): void {
    this.at(this.#nowMs + delayMs, action);
  }

  /** @throws {RangeError} when the moment is no moment (any more) */
  at(atMs: number, action: () => void): void {
    if (!(atMs >= this.#nowMs)) throw new RangeError(`it is ${this.#nowMs} ms; nothing can be planned for ${atMs}`);
    this.#siftUp({ atMs, order: this.#written, action });
    this.#written += 1;
  }

  /** Runs until nothing is left to do. Actions may put down more. */
  run(): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.#nowMs = next.atMs;
      next.action();
    }
  }

  #siftUp(entry: Entry): void {
    const heap = this.#heap;
    let index = heap.length;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex] as Entry;
      if (!isBefore(entry, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  #take(): Entry | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) this.#siftDown(last);
    return first;
  }

  #siftDown(entry: Entry): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      if (left >= heap.length) break;
      const childIndex = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry) ? right : left;
      const child = heap[childIndex] as Entry;
      if (!isBefore(child, entry)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = entry;
  }
}

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
