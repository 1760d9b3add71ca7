// pure
/** Something that knows its place in a list. */
export interface Placed {
  /** Negative while it is in none. */
  place: number;
}

/** A set of objects that come and go often, at the price of a number in each of them. Whoever goes leaves its place to the last one. */
export class PlacedList<T extends Placed> implements Iterable<T> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(one: T): void {
    one.place = this.#all.length;
    this.#all.push(one);
  }

  /** @returns whether it was in the list */
  delete(one: T): boolean {
    const { place } = one;
    if (place < 0) return false;
    one.place = -1;
    const last = this.#all.pop() as T;
    if (last === one) return true;
    this.#all[place] = last;
    last.place = place;
    return true;
  }

  /** Those that are here now, whatever happens to the list meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#all][Symbol.iterator]();
  }
}
