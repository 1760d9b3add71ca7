import { systemError } from '@lars/syscalls/errno';
import { RECEIVED_BYTES } from '../native/readiness-set.ts';
import type { Mapping } from '../resource-ledger.ts';
import type { Ring } from './ring.ts';
import type { UringCalls } from './uring-calls.ts';

const BUFFERS = 1_024;
const ENTRY_BYTES = 16;
const RING_BYTES = BUFFERS * ENTRY_BYTES;
const MEMORY_BYTES = RING_BYTES + BUFFERS * RECEIVED_BYTES;
const PROTECTION_READ_WRITE = 3;
/** MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE */
const MAP_FLAGS = 0x4022;
/** MADV_DONTNEED: the pages go, and read as zeros. */
const LET_GO = 4;
/** IORING_REGISTER_PBUF_RING, and struct io_uring_buf_reg. */
const REGISTER_BUFFER_RING = 22;
const REGISTRATION_BYTES = 40;
/** Where the tail stands, and the number of a buffer in its entry, in words of 2 bytes. */
const TAIL_AT = 7;
const NUMBER_AT = 6;

interface Memory {
  readonly address: number;
  readonly buffer: ArrayBuffer;
}

/** Of engines of this thread that are closed. It stays mapped, because somebody may still look at bytes that he was lent. */
const spare: Memory[] = [];

/**
 * Buffers from which the kernel takes one when bytes have come: connections that wait for something need none. They are mapped, and take memory when they are used first:
 * as an ArrayBuffer they would be filled with zeros, and count for the garbage collector as so much more that a thread has made.
 */
export class ReceiveBuffers {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #memory: Memory;
  readonly #calls: UringCalls;
  readonly #address: number;
  readonly #words: Uint16Array;
  readonly #entries: Int32Array;
  #tail = 0;

  /** @throws {Error} as Node's, with `code` */
  constructor(ring: Ring, calls: UringCalls) {
    this.#calls = calls;
    this.#memory = spare.pop() ?? map(calls);
    const { address, buffer } = this.#memory;
    this.#entries = new Int32Array(buffer, 0, RING_BYTES / 4);
    this.#words = new Uint16Array(buffer, 0, RING_BYTES / 2);
    this.#bytes = new Uint8Array(buffer, RING_BYTES, BUFFERS * RECEIVED_BYTES);
    this.#address = address + RING_BYTES;
    const registration = new BigUint64Array(REGISTRATION_BYTES / 8);
    registration[0] = BigInt(address);
    registration[1] = BigInt(BUFFERS);
    if (ring.register(REGISTER_BUFFER_RING, calls.addressOf(registration.buffer), 1) < 0) {
      const errno = calls.errno();
      this.close();
      throw systemError('io_uring_register', errno);
    }
    for (let number = 0; number < BUFFERS; number++) this.giveBack(number);
  }

  get mapping(): Mapping {
    return { address: this.#memory.address, length: MEMORY_BYTES };
  }

  /** What the kernel has put there, until it is given back. */
  view(number: number, length: number): Uint8Array {
    const at = number * RECEIVED_BYTES;
    return this.#bytes.subarray(at, at + length);
  }

  addressOf(number: number): number {
    return this.#address + number * RECEIVED_BYTES;
  }

  /** The ring is closed: nobody writes there any more. */
  close(): void {
    this.#calls.madvise(this.#memory.address, MEMORY_BYTES, LET_GO);
    spare.push(this.#memory);
  }

  giveBack(number: number): void {
    const at = (this.#tail & (BUFFERS - 1)) * (ENTRY_BYTES / 4);
    const address = this.addressOf(number);
    this.#entries[at] = address;
    this.#entries[at + 1] = Math.floor(address / 2 ** 32);
    this.#entries[at + 2] = RECEIVED_BYTES;
    this.#words[at * 2 + NUMBER_AT] = number;
    this.#tail = (this.#tail + 1) & 0xffff;
    this.#words[TAIL_AT] = this.#tail;
  }
}

function map(calls: UringCalls): Memory {
  const address = calls.mmap(0, MEMORY_BYTES, PROTECTION_READ_WRITE, MAP_FLAGS, -1, 0);
  if (address === -1) throw systemError('mmap', calls.errno());
  return { address, buffer: calls.view(address, MEMORY_BYTES) };
}
