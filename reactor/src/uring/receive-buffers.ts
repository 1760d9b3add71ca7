import { systemError } from '@lars/syscalls/errno';
import { RECEIVED_BYTES } from '../native/readiness-set.ts';
import type { Ring } from './ring.ts';
import type { UringCalls } from './uring-calls.ts';

const BUFFERS = 1_024;
const PAGE_BYTES = 4_096;
const ENTRY_BYTES = 16;
/** IORING_REGISTER_PBUF_RING, and struct io_uring_buf_reg. */
const REGISTER_BUFFER_RING = 22;
const REGISTRATION_BYTES = 40;
/** Where the tail stands, and the number of a buffer in its entry, in words of 2 bytes. */
const TAIL_AT = 7;
const NUMBER_AT = 6;

/** Buffers from which the kernel takes one when bytes have come: connections that wait for something need none. */
export class ReceiveBuffers {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #address: number;
  readonly #words: Uint16Array;
  readonly #entries: DataView;
  #tail = 0;

  /** @throws {Error} as Node's, with `code` */
  constructor(ring: Ring, calls: UringCalls) {
    const ringBytes = BUFFERS * ENTRY_BYTES;
    const memory = new ArrayBuffer(ringBytes + PAGE_BYTES + BUFFERS * RECEIVED_BYTES);
    const address = calls.addressOf(memory);
    const ringAt = (PAGE_BYTES - (address % PAGE_BYTES)) % PAGE_BYTES;
    this.#entries = new DataView(memory, ringAt, ringBytes);
    this.#words = new Uint16Array(memory, ringAt, ringBytes / 2);
    this.#bytes = new Uint8Array(memory, ringAt + ringBytes, BUFFERS * RECEIVED_BYTES);
    this.#address = address + ringAt + ringBytes;
    const registration = new BigUint64Array(REGISTRATION_BYTES / 8);
    registration[0] = BigInt(address + ringAt);
    registration[1] = BigInt(BUFFERS);
    if (ring.register(REGISTER_BUFFER_RING, calls.addressOf(registration.buffer), 1) < 0) {
      throw systemError('io_uring_register', calls.errno());
    }
    for (let number = 0; number < BUFFERS; number++) this.giveBack(number);
  }

  /** What the kernel has put there, until it is given back. */
  view(number: number, length: number): Uint8Array {
    const at = number * RECEIVED_BYTES;
    return this.#bytes.subarray(at, at + length);
  }

  addressOf(number: number): number {
    return this.#address + number * RECEIVED_BYTES;
  }

  giveBack(number: number): void {
    const at = (this.#tail & (BUFFERS - 1)) * ENTRY_BYTES;
    const address = this.addressOf(number);
    this.#entries.setUint32(at, address % 2 ** 32, true);
    this.#entries.setUint32(at + 4, Math.floor(address / 2 ** 32), true);
    this.#entries.setUint32(at + 8, RECEIVED_BYTES, true);
    this.#words[at / 2 + NUMBER_AT] = number;
    this.#tail = (this.#tail + 1) & 0xffff;
    this.#words[TAIL_AT] = this.#tail;
  }
}
