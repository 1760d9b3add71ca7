import type { Libc } from './libc.ts';

/** How many bytes are read, or written, with one system call. */
export const BUFFER_BYTES = 65_536;
const SCRATCH_BYTES = 256;
/** Views of so many lengths are kept: a power of two. */
const VIEWS = 64;

/** Memory that system calls read and write, shared by all connections of an engine: one buffer for what comes, one for what goes, one for small arguments. */
export class NativeMemory {
  readonly incoming: Uint8Array<ArrayBuffer>;
  readonly incomingAddress: number;
  readonly outgoing: Uint8Array<ArrayBuffer>;
  readonly outgoingAddress: number;
  readonly scratch: DataView<ArrayBuffer>;
  readonly scratchBytes: Uint8Array<ArrayBuffer>;
  readonly scratchAddress: number;
  readonly #views: Uint8Array[] = [];

  constructor(libc: Libc) {
    const buffer = new ArrayBuffer(2 * BUFFER_BYTES + SCRATCH_BYTES);
    const address = libc.addressOf(buffer);
    this.incoming = new Uint8Array(buffer, 0, BUFFER_BYTES);
    this.incomingAddress = address;
    this.outgoing = new Uint8Array(buffer, BUFFER_BYTES, BUFFER_BYTES);
    this.outgoingAddress = address + BUFFER_BYTES;
    this.scratch = new DataView(buffer, 2 * BUFFER_BYTES);
    this.scratchBytes = new Uint8Array(buffer, 2 * BUFFER_BYTES);
    this.scratchAddress = address + 2 * BUFFER_BYTES;
    for (let length = 0; length < VIEWS; length++) this.#views.push(this.incoming.subarray(0, length));
  }

  /** The first bytes of `incoming`. Views are kept, because making one takes as long as a small message otherwise does. */
  incomingView(length: number): Uint8Array {
    const kept = this.#views[length & (VIEWS - 1)];
    if (kept?.length === length) return kept;
    const view = this.incoming.subarray(0, length);
    this.#views[length & (VIEWS - 1)] = view;
    return view;
  }
}
