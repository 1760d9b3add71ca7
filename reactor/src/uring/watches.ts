// pure
import { Count } from '../native/readiness-set.ts';

/** Instead of a token, a number of a buffer or a descriptor. */
export const NONE = -1;

/** What is known of a descriptor, in words of 4 bytes. */
export const Word = {
  /** What the descriptor was added with. */
  generation: 0,
  /** The token of the operation that is under way: a poll, a receive; a send or a connect. */
  poll: 1,
  receive: 2,
  other: 3,
  /** What came of a receive, or of connecting that failed: bytes, the end (0) or a negative error number. */
  result: 4,
  /** The kernel's buffer where the bytes lie until the next wait. */
  buffer: 5,
  /** Where everything small that comes is sent at once, and from where; descriptors. */
  forwardTo: 6,
  forwardFrom: 7,
  /** What came of a send that did not take all: bytes, or a negative error number. */
  sent: 8,
  /** A sum of State. */
  state: 9,
} as const;

export const State = {
  isThere: 1,
  /** A receive is over, or connecting has failed, and nobody has taken what came of it. */
  hasResult: 2,
  /** The bytes of the result are kept elsewhere, because the kernel has its buffer back. */
  hasCopy: 4,
  /** Something was received before. */
  hasReceived: 8,
  /** Nothing is received any more. */
  isStopped: 16,
  /** A send did not take all, and nobody has taken what it left over. */
  hasLeftOver: 32,
  /** Somebody waits for the end of the send. */
  isAwaited: 64,
  /** A receive of many results was cancelled, and what it still brings is gathered. */
  isGathering: 128,
  /** It has failed behind what was gathered. */
  hasFailed: 256,
  /** It has broken while many results were received, and nobody was told yet. */
  isBroken: 512,
} as const;

/** Behind the states of a descriptor: how many small messages in a row were sent on from it. */
const MESSAGES_SHIFT = 16;
const STATES = 2 ** MESSAGES_SHIFT - 1;

const WORDS = 16;
/** The counts of a descriptor are doubles, behind its words. */
const COUNTS = WORDS / 2;
const FIRST_COUNT = 5;
const FIRST_ROOM = 64;

/** Descriptors in a set, by their numbers: 64 bytes for each, which are all that a message that is sent on at once has to touch of it. */
export class Watches {
  #words = new Int32Array(FIRST_ROOM * WORDS);
  #counts = new Float64Array(this.#words.buffer);

  add(fd: number, generation: number): void {
    this.#makeRoom(fd);
    this.#clear(fd);
    this.set(fd, Word.generation, generation);
    this.set(fd, Word.state, State.isThere);
  }

  remove(fd: number): void {
    if (this.has(fd)) this.#clear(fd);
  }

  has(fd: number): boolean {
    return this.is(fd, State.isThere);
  }

  /** @param word one of Word. Of a descriptor that is there. */
  get(fd: number, word: number): number {
    return this.#words[fd * WORDS + word] as number;
  }

  set(fd: number, word: number, value: number): void {
    this.#words[fd * WORDS + word] = value;
  }

  /** @param state one of State */
  is(fd: number, state: number): boolean {
    return ((this.#words[fd * WORDS + Word.state] ?? 0) & state) !== 0;
  }

  mark(fd: number, state: number): void {
    this.#words[fd * WORDS + Word.state] = this.get(fd, Word.state) | state;
  }

  unmark(fd: number, state: number): void {
    this.#words[fd * WORDS + Word.state] = this.get(fd, Word.state) & ~state;
  }

  /** How many small messages in a row were sent on. */
  messagesOf(fd: number): number {
    return this.get(fd, Word.state) >>> MESSAGES_SHIFT;
  }

  setMessages(fd: number, messages: number): void {
    this.set(fd, Word.state, (this.get(fd, Word.state) & STATES) | (messages << MESSAGES_SHIFT));
  }

  /** @param count one of Count. 0 for a descriptor that is not there. */
  countOf(fd: number, count: number): number {
    return this.#counts[fd * COUNTS + FIRST_COUNT + count] ?? 0;
  }

  /** @param count one of Count, which grows by so many bytes */
  count(fd: number, count: number, bytes: number, nowMs: number): void {
    const at = fd * COUNTS + FIRST_COUNT;
    this.#counts[at + count] = (this.#counts[at + count] as number) + bytes;
    this.#counts[at + Count.lastMoveMs] = nowMs;
  }

  /** `fill` would cost more than all of it. */
  #clear(fd: number): void {
    const words = this.#words;
    const at = fd * WORDS;
    for (let word = 0; word < Word.state; word++) words[at + word] = NONE;
    for (let word = Word.state; word < WORDS; word++) words[at + word] = 0;
  }

  #makeRoom(fd: number): void {
    let room = this.#words.length / WORDS;
    if (fd < room) return;
    while (room <= fd) room *= 2;
    const words = new Int32Array(room * WORDS);
    words.set(this.#words);
    this.#words = words;
    this.#counts = new Float64Array(words.buffer);
  }
}
