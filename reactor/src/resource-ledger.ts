// pure
import type { DescriptorWatcher } from './passing.ts';

/** Memory that was mapped for the kernel to share. */
export interface Mapping {
  /** Absolute. */
  readonly address: number;
  /** In bytes. */
  readonly length: number;
}

/** Descriptors from this number on are not noted; the kernel gives the lowest that is free. */
const MAX_DESCRIPTORS = 1 << 20;
const MAX_MAPPINGS = 4;
/** Address and length of each. */
const MAPPING_BYTES = 16;
const WORDS = MAX_DESCRIPTORS / 32;

/**
 * What the engine of one thread has, in shared memory: its descriptors, a bit each, and what it has mapped. Within a process both outlive a thread that dies, and nobody
 * can release them who does not know them. Only that thread writes while it lives, so that plain reads and writes are enough.
 */
export class ResourceLedger implements DescriptorWatcher {
  readonly buffer: SharedArrayBuffer;
  readonly #mappings: Float64Array;
  readonly #owned: Int32Array;

  /** @param buffer of another thread's ledger */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(MAX_MAPPINGS * MAPPING_BYTES + 4 * WORDS)) {
    this.buffer = buffer;
    this.#mappings = new Float64Array(buffer, 0, (MAX_MAPPINGS * MAPPING_BYTES) / 8);
    this.#owned = new Int32Array(buffer, MAX_MAPPINGS * MAPPING_BYTES, WORDS);
  }

  onOwned(fd: number): void {
    if (fd < MAX_DESCRIPTORS) this.#owned[fd >> 5] = (this.#owned[fd >> 5] as number) | (1 << (fd & 31));
  }

  onGone(fd: number): void {
    if (fd < MAX_DESCRIPTORS) this.#owned[fd >> 5] = (this.#owned[fd >> 5] as number) & ~(1 << (fd & 31));
  }

  /** @param mappings all that there are */
  noteMappings(mappings: readonly Mapping[]): void {
    this.#mappings.fill(0);
    this.#mappings.set(mappings.flatMap(({ address, length }) => [address, length]));
  }

  /** All is released, or will be by somebody else. */
  clear(): void {
    this.#mappings.fill(0);
    this.#owned.fill(0);
  }

  /** What a thread that has died leaves, which is the caller's then: the ledger is empty. */
  takeAll(): { readonly fds: readonly number[]; readonly mappings: readonly Mapping[] } {
    const fds: number[] = [];
    for (const [at, word] of this.#owned.entries())
      for (let bit = 0; word !== 0 && bit < 32; bit++) if ((word & (1 << bit)) !== 0) fds.push(32 * at + bit);
    const mappings: Mapping[] = [];
    for (let at = 0; at < this.#mappings.length; at += 2) {
      const [address = 0, length = 0] = this.#mappings.subarray(at, at + 2);
      if (length > 0) mappings.push({ address, length });
    }
    this.clear();
    return { fds, mappings };
  }
}
