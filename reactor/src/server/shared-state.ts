// pure
/**
 * What the threads of a server know of each other without a message, in shared memory: how many connections each has taken and closed, how busy it is, how often it has looked, and
 * whose each descriptor is, and with which tag it was passed. Within a process a descriptor is only a number, and nobody closes those of a thread that has died unless he knows them.
 */

const FIELDS = 4;
const Field = { taken: 0, closed: 1, busy: 2, beats: 3 } as const;
/** Descriptors from this number on are not noted; the kernel gives the lowest that is free. */
const MAX_DESCRIPTORS = 1 << 20;

export class SharedState {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #owners: Int32Array;
  readonly #tags: Int32Array;

  /** @param threads how many there may be */
  constructor(threads: number, buffer: SharedArrayBuffer = new SharedArrayBuffer(4 * (threads * FIELDS + 2 * MAX_DESCRIPTORS))) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, threads * FIELDS);
    this.#owners = new Int32Array(buffer, 4 * threads * FIELDS, MAX_DESCRIPTORS);
    this.#tags = new Int32Array(buffer, 4 * (threads * FIELDS + MAX_DESCRIPTORS), MAX_DESCRIPTORS);
  }

  // These are looked at for each thread with every connection, and a number that is a moment old does no harm: the atomic read is a call, the plain one is not.
  taken(thread: number): number {
    return this.#words[thread * FIELDS + Field.taken] as number;
  }

  closed(thread: number): number {
    return this.#words[thread * FIELDS + Field.closed] as number;
  }

  /** Thousandths. */
  busy(thread: number): number {
    return this.#words[thread * FIELDS + Field.busy] as number;
  }

  setBusy(thread: number, thousandths: number): void {
    Atomics.store(this.#words, thread * FIELDS + Field.busy, thousandths);
  }

  /** How often a thread with connections has looked after itself: one that hangs does not. */
  beats(thread: number): number {
    return this.#words[thread * FIELDS + Field.beats] as number;
  }

  beat(thread: number): void {
    Atomics.add(this.#words, thread * FIELDS + Field.beats, 1);
  }

  /** A new thread begins in the place of one that has died. */
  reset(thread: number): void {
    this.#words.fill(0, thread * FIELDS, (thread + 1) * FIELDS);
  }

  /** The descriptor is on its way to a thread. @param life the number of the thread's life: no two have the same */
  noteSent(fd: number, life: number, tag: number): void {
    if (fd >= MAX_DESCRIPTORS) return;
    this.#tags[fd] = tag;
    Atomics.store(this.#owners, fd, life);
  }

  /** It could not be sent. */
  noteUnsent(fd: number): void {
    if (fd < MAX_DESCRIPTORS) Atomics.store(this.#owners, fd, 0);
  }

  /** @returns whether the thread was sent it, with this tag, and has not taken it yet */
  take(fd: number, thread: number, life: number, tag: number): boolean {
    if (fd < MAX_DESCRIPTORS) {
      if (this.#tags[fd] !== tag || Atomics.compareExchange(this.#owners, fd, life, -life) !== life) return false;
    }
    Atomics.add(this.#words, thread * FIELDS + Field.taken, 1);
    return true;
  }

  /** The thread has a connection of this descriptor, passed or its own. */
  noteOwned(fd: number, life: number): void {
    if (fd < MAX_DESCRIPTORS) Atomics.store(this.#owners, fd, -life);
  }

  /** To be called before the descriptor is closed: afterwards its number may be somebody else's. */
  noteGone(fd: number, life: number): void {
    if (fd < MAX_DESCRIPTORS) Atomics.compareExchange(this.#owners, fd, -life, 0);
  }

  countClosed(thread: number): void {
    Atomics.add(this.#words, thread * FIELDS + Field.closed, 1);
  }

  /** What a thread that has died leaves: descriptors that it had, and that were on their way to it. They are nobody's then. */
  takeBack(life: number): { readonly taken: readonly number[]; readonly sent: readonly number[] } {
    const taken: number[] = [];
    const sent: number[] = [];
    for (let fd = 0; fd < MAX_DESCRIPTORS; fd++) {
      const owner = this.#owners[fd];
      if (owner !== life && owner !== -life) continue;
      (owner === life ? sent : taken).push(fd);
      this.#owners[fd] = 0;
    }
    return { taken, sent };
  }
}
