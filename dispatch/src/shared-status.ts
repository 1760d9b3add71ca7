// pure
/**
 * The page of memory that a dispatcher and one worker share, from version 2 of the protocol on: numbers of 32 bits, read and written atomically. Neither needs a system call,
 * or wakes the other one, to say what it has.
 */

/** Where the numbers stand. */
const At = {
  /** Worker: how many connections it has taken, modulo 2³¹. Negative: the dispatcher has closed the account. */
  taken: 0,
  /** Worker: how many it has open, those included that it is about to serve. */
  open: 1,
  /** Dispatcher: of how many connections it has closed its own descriptor, modulo 2³¹. */
  released: 2,
  /** Dispatcher: not 0 = it waits, and wants a frame for each change. */
  asked: 3,
} as const;

const CLOSED = -0x8000_0000;
const COUNT_MASK = 0x7fff_ffff;

/** Memory that is shared; without words when it is closed, so that nobody touches what is no longer there. */
export interface StatusPage {
  readonly words: Int32Array;
}

/** The worker's side. */
export class WorkerStatus {
  readonly #page: StatusPage;
  #taken = 0;

  /** @param page new, of zeros */
  constructor(page: StatusPage) {
    this.#page = page;
  }

  /** Connections are taken: they are this worker's, unless the dispatcher has closed the account before. @returns whether they are. @param open with them */
  take(count: number, open: number): boolean {
    const taken = (this.#taken + count) & COUNT_MASK;
    this.tellOpen(open);
    if (Atomics.compareExchange(this.#page.words, At.taken, this.#taken, taken) !== this.#taken) return false;
    this.#taken = taken;
    return true;
  }

  /** The number of the last connection that was taken. */
  get taken(): number {
    return this.#taken;
  }

  tellOpen(count: number): void {
    Atomics.store(this.#page.words, At.open, count);
  }

  get isAsked(): boolean {
    return Atomics.load(this.#page.words, At.asked) !== 0;
  }

  /** The dispatcher has a descriptor of that connection still, so that its end is not seen by the client. */
  isKeptBack(number: number): boolean {
    const released = Atomics.load(this.#page.words, At.released);
    return ((number - released - 1) & COUNT_MASK) < COUNT_MASK / 2;
  }
}

/** The dispatcher's side. What a worker writes may be anything. */
export class StatusView {
  readonly #page: StatusPage;
  #released = 0;
  /** What stood there when it was last read; not a number = it must be read. */
  #lastTaken = Number.NaN;
  #lastOpen = Number.NaN;

  /** @param page new, of zeros. @param open what the worker has from before */
  constructor(page: StatusPage, open: number) {
    this.#page = page;
    Atomics.store(page.words, At.open, open);
  }

  /** Nothing has changed since both numbers were read; one that changes at this moment may be seen the next time. Costs less than reading them. */
  get isUnchanged(): boolean {
    const { words } = this.#page;
    return words[At.taken] === this.#lastTaken && words[At.open] === this.#lastOpen;
  }

  get open(): number {
    this.#lastOpen = Atomics.load(this.#page.words, At.open);
    return this.#lastOpen;
  }

  /** How many connections it has taken since it had taken `before`, if it tells the truth. */
  takenSince(before: number): number {
    this.#lastTaken = Atomics.load(this.#page.words, At.taken);
    return (this.#lastTaken - before) & COUNT_MASK;
  }

  /** The worker can take nothing any more. What it has taken before stays taken. */
  close(): void {
    Atomics.or(this.#page.words, At.taken, CLOSED);
  }

  /** From here on what has changed before is certain to be seen. */
  ask(isAsked: boolean): void {
    this.#lastTaken = Number.NaN;
    Atomics.store(this.#page.words, At.asked, isAsked ? 1 : 0);
  }

  /** So many more connections are the worker's alone. */
  release(count: number): void {
    this.#released = (this.#released + count) & COUNT_MASK;
    Atomics.store(this.#page.words, At.released, this.#released);
  }
}
