// pure

/**
 * Hosts that take turns, each as often as the others. Whose turn it is, is a place in a list that nobody writes to: taking a turn costs an
 * addition, and modules of as many hosts share the list until a host leaves it.
 */
export class RoundRobin {
  #order: readonly number[];
  /** Of the head: the host whose turn it is. The tail is the one before it. */
  #at = 0;

  constructor(order: readonly number[]) {
    this.#order = order;
  }

  get size(): number {
    return this.#order.length;
  }

  /** The head, which becomes the tail; undefined where there is none. */
  next(): number | undefined {
    const order = this.#order;
    const host = order[this.#at];
    this.#at = this.#at + 1 < order.length ? this.#at + 1 : 0;
    return host;
  }

  /** The next one that will do. Those before it have had their turn. */
  nextWhere(willDo: (host: number) => boolean): number | undefined {
    for (let left = this.size; left > 0; left--) {
      const host = this.next() as number;
      if (willDo(host)) return host;
    }
    return undefined;
  }

  /** The host whose turn it would be, of those that will do; no turn is taken. */
  peekWhere(willDo: (host: number) => boolean): number | undefined {
    return this.list().find(willDo);
  }

  /** From the head to the tail. */
  list(): number[] {
    return [...this.#order.slice(this.#at), ...this.#order.slice(0, this.#at)];
  }

  /** Behind the tail. */
  append(host: number): void {
    this.#start([...this.list(), host]);
  }

  remove(host: number): void {
    this.#start(this.list().filter(other => other !== host));
  }

  #start(order: readonly number[]): void {
    this.#order = order;
    this.#at = 0;
  }
}
