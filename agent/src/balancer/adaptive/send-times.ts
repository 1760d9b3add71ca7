// pure
const FIRST_CAPACITY = 4;
/** More calls to one host are not told apart: the oldest is forgotten for each new one. A power of two. */
const MAX_CAPACITY = 4_096;
/** Limits of the free list: how many rings it keeps, and how large they may have grown. */
const MAX_FREE = 1_024;
const MAX_FREE_CAPACITY = 64;

/**
 * AD-4 (calls in flight). When the calls were sent that one host has not been reported on: a ring of send times, oldest first. Calls have no
 * identity, so a report is matched by time. Costs a bisection and a move of half the ring at worst; allocates only to grow. A plain
 * array: most hosts have few calls in flight, and a typed array costs more than it holds then.
 */
export class SendTimes {
  #sentMs: number[] = doubles(FIRST_CAPACITY);
  #first = 0;
  #count = 0;

  /** An empty one: a host has one only while several calls are in flight, which few of many hosts have at a time. */
  static acquire(): SendTimes {
    return FREE_LIST.pop() ?? new SendTimes();
  }

  /** @param times not to be used any more */
  static release(times: SendTimes): void {
    times.#count = 0;
    if (FREE_LIST.length < MAX_FREE && times.#sentMs.length <= MAX_FREE_CAPACITY) FREE_LIST.push(times);
  }

  get count(): number {
    return this.#count;
  }

  /** When the oldest was sent; there must be one. */
  get oldestMs(): number {
    return this.#at(0);
  }

  add(nowMs: number): void {
    if (this.#count === this.#sentMs.length && !this.#grow()) this.#dropOldest();
    this.#sentMs[(this.#first + this.#count) & (this.#sentMs.length - 1)] = nowMs;
    this.#count += 1;
  }

  /** Forgets the calls that were sent before then. */
  forgetBefore(sentMs: number): void {
    while (this.#count > 0 && this.#at(0) < sentMs) this.#dropOldest();
  }

  /** Forgets the call that was sent closest to then, if there is one. */
  settle(sentMs: number): void {
    if (this.#count === 0) return;
    const after = this.#firstNotBefore(sentMs);
    const before = after - 1;
    if (after === this.#count) this.#remove(before);
    else if (before < 0 || this.#at(after) - sentMs < sentMs - this.#at(before)) this.#remove(after);
    else this.#remove(before);
  }

  /** When the oldest call was sent that was not sent before `sinceMs`; where all were sent before, the newest of them. There must be one. */
  oldestSince(sinceMs: number): number {
    return this.#at(Math.min(this.#firstNotBefore(sinceMs), this.#count - 1));
  }

  #at(index: number): number {
    return this.#sentMs[(this.#first + index) & (this.#sentMs.length - 1)] as number;
  }

  #firstNotBefore(sentMs: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#at(middle) < sentMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Closes the gap from the side with fewer calls. */
  #remove(index: number): void {
    const times = this.#sentMs;
    const mask = times.length - 1;
    const first = this.#first;
    if (index < this.#count >> 1) {
      for (let i = index; i > 0; i--) times[(first + i) & mask] = times[(first + i - 1) & mask] as number;
      this.#dropOldest();
      return;
    }
    this.#count -= 1;
    for (let i = index; i < this.#count; i++) times[(first + i) & mask] = times[(first + i + 1) & mask] as number;
  }

  #dropOldest(): void {
    this.#first = (this.#first + 1) & (this.#sentMs.length - 1);
    this.#count -= 1;
  }

  #grow(): boolean {
    const { length } = this.#sentMs;
    if (length === MAX_CAPACITY) return false;
    const larger = doubles(2 * length);
    for (let i = 0; i < this.#count; i++) larger[i] = this.#at(i);
    this.#sentMs = larger;
    this.#first = 0;
    return true;
  }
}

const FREE_LIST: SendTimes[] = [];

/** V8 keeps them unboxed: NaN is no integer. */
function doubles(length: number): number[] {
  return new Array<number>(length).fill(Number.NaN);
}
