/**
 * Items that are worked off in slices, one slice per tick of the event loop, so that other events are handled in between. A slice takes
 * what it has done out of the map; a map keeps the order in which keys were added.
 */
export class TimeSlicedQueue<Key, Item> {
  readonly #workSlice: (items: Map<Key, Item>) => void;
  readonly #items = new Map<Key, Item>();
  #nextSlice: NodeJS.Immediate | undefined;

  constructor(workSlice: (items: Map<Key, Item>) => void) {
    this.#workSlice = workSlice;
  }

  get length(): number {
    return this.#items.size;
  }

  get(key: Key): Item | undefined {
    return this.#items.get(key);
  }

  /** An item that is queued already is replaced, and keeps its place. */
  set(key: Key, item: Item): void {
    this.#items.set(key, item);
  }

  /** Works off the first slice now, so that few items do not wait; while later slices are scheduled, it does nothing. */
  start(): void {
    if (this.#nextSlice === undefined) this.#runSlice();
  }

  /** Forgets what is queued. */
  stop(): void {
    clearImmediate(this.#nextSlice);
    this.#items.clear();
  }

  #runSlice(): void {
    this.#workSlice(this.#items);
    this.#nextSlice = this.#items.size === 0 ? undefined : setImmediate(() => this.#runSlice());
  }
}
