import { systemError } from '@lars/syscalls/errno';
import type { Mapping } from '../resource-ledger.ts';
import type { UringCalls } from './uring-calls.ts';

export const Operation = { pollAdd: 6, cancel: 14, connect: 16, close: 19, send: 26, receive: 27 } as const;
/** The operation goes on, and more results follow. */
export const MORE_FOLLOWS = 2;
/** A buffer was taken, whose number stands in the upper half of the flags. */
export const HAS_BUFFER = 1;
/** The results of such an operation are of no interest. */
export const NO_TOKEN = -1;

const ENTRIES = 2_048;
const RESULTS = 32_768;

/** struct io_uring_params, in words: where things stand in the mapping. */
const PARAMS_BYTES = 120;
const AT = { entries: 0, results: 1, flags: 2, submissions: 10, completions: 20 } as const;
/** CQSIZE, CLAMP, SUBMIT_ALL, SINGLE_ISSUER, DEFER_TASKRUN and NO_SQARRAY, which Linux has from 6.6 on. */
const SETUP_FLAGS = (1 << 3) | (1 << 4) | (1 << 7) | (1 << 12) | (1 << 13) | (1 << 16);
const NEEDS = '(it wants Linux 6.6, and that neither kernel.io_uring_disabled nor a container forbids it)';
const PROTECTION_READ_WRITE = 3;
/** MAP_SHARED | MAP_POPULATE */
const MAP_FLAGS = 0x8001;
const ENTRIES_OFFSET = 0x1000_0000;
const ENTRY_BYTES = 64;
const ENTRY_WORDS = ENTRY_BYTES / 4;
const RESULT_BYTES = 16;
const GET_EVENTS = 1;
/** IORING_SQ_CQ_OVERFLOW: there are results for which there was no room. */
const RESULTS_OVERFLOW = 2;
const HAS_ARGUMENT = 8;
/** struct io_uring_getevents_arg, and the struct timespec behind it. */
const ARGUMENT_BYTES = 24;

/**
 * The two rings of io_uring: entries that tell the kernel what to do, and results. Results arrive only while this thread is inside of `enter` (DEFER_TASKRUN), so that
 * plain reads and writes of the mapped memory are enough.
 */
export class Ring {
  token = NO_TOKEN;
  /** A negative error number where the operation failed. */
  result = 0;
  flags = 0;
  /** Told right before the kernel gets entries. */
  onSubmit: (() => void) | undefined;
  /** Told when the kernel has got all of them: what it does not wait with is done, or has failed. */
  onSubmitted: (() => void) | undefined;
  readonly descriptor: number;
  readonly #calls: UringCalls;
  readonly #mappings: Mapping[] = [];
  readonly #words: Int32Array;
  readonly #entries: Int32Array;
  readonly #entryCount: number;
  readonly #entryMask: number;
  readonly #tailAt: number;
  readonly #flagsAt: number;
  readonly #resultHeadAt: number;
  readonly #resultTailAt: number;
  readonly #resultMask: number;
  readonly #resultsAt: number;
  /** The argument of waiting for a time, less than a second, and behind it the time. */
  readonly #waitAddress: number;
  readonly #waitNanoseconds: Int32Array;
  #tail = 0;
  #submitted = 0;
  #head = 0;

  /** @throws {Error} as Node's, with `code`, where the kernel gives no ring, or not one of this kind */
  constructor(calls: UringCalls) {
    this.#calls = calls;
    const params = new Int32Array(PARAMS_BYTES / 4);
    params[AT.flags] = SETUP_FLAGS;
    params[AT.results] = RESULTS;
    this.descriptor = calls.setup(ENTRIES, calls.addressOf(params.buffer));
    if (this.descriptor < 0) throw systemError('io_uring_setup', calls.errno(), NEEDS);
    const at = (index: number): number => params[index] as number;
    this.#entryCount = at(AT.entries);
    const resultBytesAt = at(AT.completions + 5);
    try {
      this.#words = new Int32Array(this.#map(resultBytesAt + at(AT.results) * RESULT_BYTES, 0));
      this.#entries = new Int32Array(this.#map(this.#entryCount * ENTRY_BYTES, ENTRIES_OFFSET));
    } catch (error) {
      this.close();
      throw error;
    }
    this.#tailAt = at(AT.submissions + 1) >> 2;
    this.#entryMask = this.#wordAt(at(AT.submissions + 2));
    this.#flagsAt = at(AT.submissions + 4) >> 2;
    this.#resultHeadAt = at(AT.completions) >> 2;
    this.#resultTailAt = at(AT.completions + 1) >> 2;
    this.#resultMask = this.#wordAt(at(AT.completions + 2));
    this.#resultsAt = resultBytesAt >> 2;
    const wait = new BigUint64Array(ARGUMENT_BYTES / 8 + 2);
    this.#waitAddress = calls.addressOf(wait.buffer);
    wait[2] = BigInt(this.#waitAddress + ARGUMENT_BYTES);
    this.#waitNanoseconds = new Int32Array(wait.buffer, ARGUMENT_BYTES + 8, 1);
  }

  get mappings(): readonly Mapping[] {
    return this.#mappings;
  }

  /** Entries wait for the next `enter`. */
  get hasUnsubmitted(): boolean {
    return this.#tail !== this.#submitted;
  }

  /**
   * Adds an entry; the kernel sees it at the next `enter`, and resolves the descriptor then.
   * @param token comes back with its results
   * @returns where its fields stand, for `setField`
   */
  add(operation: number, fd: number, token: number): number {
    if (this.#isFull) this.enter(0, 0);
    if (this.#isFull) throw systemError('io_uring_enter', this.#calls.errno());
    const at = (this.#tail & this.#entryMask) * ENTRY_WORDS;
    this.#tail = (this.#tail + 1) | 0;
    const entries = this.#entries;
    entries[at] = operation;
    entries[at + 1] = fd;
    for (let word = 2; word < ENTRY_WORDS; word++) entries[at + word] = 0;
    entries[at + 8] = token;
    return at;
  }

  /** @param word the field's place in struct io_uring_sqe, in words of 4 bytes */
  setField(entry: number, word: number, value: number): void {
    this.#entries[entry + word] = value;
  }

  /** @param address absolute: where the kernel reads, or writes, what the entry is about */
  setAddress(entry: number, address: number): void {
    this.#entries[entry + 4] = address;
    this.#entries[entry + 5] = Math.floor(address / 2 ** 32);
  }

  /** Submits all entries, and waits until there are results, or the time is over. */
  enter(waitCount: number, timeoutMs: number): void {
    const count = (this.#tail - this.#submitted) | 0;
    this.#words[this.#tailAt] = this.#tail;
    this.#words[this.#resultHeadAt] = this.#head;
    this.#waitNanoseconds[0] = timeoutMs * 1_000_000;
    if (count > 0) this.onSubmit?.();
    const flags = GET_EVENTS | HAS_ARGUMENT;
    const submitted = this.#calls.enter(this.descriptor, count, waitCount, flags, this.#waitAddress, ARGUMENT_BYTES);
    // Where waiting failed by its time alone, entries were submitted; where nothing was, they are tried again.
    if (submitted >= 0) this.#submitted = (this.#submitted + submitted) | 0;
    if (count > 0 && !this.hasUnsubmitted) this.onSubmitted?.();
  }

  /** Takes the next result, if there is one: `token`, `result` and `flags` are its own then. */
  next(): boolean {
    if (this.#head === this.#words[this.#resultTailAt]) return false;
    const at = this.#resultsAt + (this.#head & this.#resultMask) * (RESULT_BYTES / 4);
    this.#head = (this.#head + 1) | 0;
    this.token = this.#words[at] as number;
    this.result = this.#words[at + 2] as number;
    this.flags = this.#words[at + 3] as number;
    return true;
  }

  /** All results were taken that the kernel has had until the last `enter`. */
  get isDrained(): boolean {
    const words = this.#words;
    return this.#head === words[this.#resultTailAt] && ((words[this.#flagsAt] as number) & RESULTS_OVERFLOW) === 0;
  }

  register(operation: number, argument: number, count: number): number {
    return this.#calls.register(this.descriptor, operation, argument, count);
  }

  /** Ends what is under way, later; nothing may be called any more. */
  close(): void {
    for (const { address, length } of this.#mappings.splice(0)) this.#calls.munmap(address, length);
    this.#calls.close(this.descriptor);
  }

  get #isFull(): boolean {
    return ((this.#tail - this.#submitted) | 0) >= this.#entryCount;
  }

  #map(length: number, offset: number): ArrayBuffer {
    const address = this.#calls.mmap(0, length, PROTECTION_READ_WRITE, MAP_FLAGS, this.descriptor, offset);
    if (address === -1) throw systemError('mmap', this.#calls.errno());
    this.#mappings.push({ address, length });
    return this.#calls.view(address, length);
  }

  #wordAt(bytes: number): number {
    return this.#words[bytes >> 2] as number;
  }
}
