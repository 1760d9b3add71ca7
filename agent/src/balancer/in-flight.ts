// pure
const FIRST_CAPACITY = 4;
/** More calls to one host are not told apart: the oldest is forgotten for each new one. A power of two. */
const MAX_CAPACITY = 4_096;
/** So many are kept to be taken again, where they have not grown beyond so much. */
const MAX_SPARE = 1_024;
const MAX_SPARE_CAPACITY = 64;

/**
 * AD-4. When the calls were sent that one host has not been reported on: a ring of send times, oldest first. Calls have no
 * identity, so a report is matched by time. Costs a bisection and a move of half the ring at worst; allocates only to grow. A plain
 * array: most hosts have few calls in flight, and a typed array costs more than it holds then.
 */
export class InFlight {
  #sentMs: number[] = doubles(FIRST_CAPACITY);
  #first = 0;
  #count = 0;

  /** An empty one: a host has one only while several calls are in flight, which few of many hosts have at a time. */
  static take(): InFlight {
    return SPARE.pop() ?? new InFlight();
  }

  /** @param inFlight not to be used any more */
  static giveBack(inFlight: InFlight): void {
    inFlight.#count = 0;
    if (SPARE.length < MAX_SPARE && inFlight.#sentMs.length <= MAX_SPARE_CAPACITY) SPARE.push(inFlight);
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

const SPARE: InFlight[] = [];

/** V8 keeps them unboxed: NaN is no integer. */
function doubles(length: number): number[] {
  return new Array<number>(length).fill(Number.NaN);
}
