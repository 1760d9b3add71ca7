import type { Endpoint } from '../check-options.ts';
import { ADDRESS_BYTES_MAX, putAddress } from '../linux/socket-address.ts';
import type { UringCalls } from './uring-calls.ts';

const PLACES = 64;

/** Addresses to connect to, which wait here until the kernel has read them: with the next `enter` it does. */
export class ConnectAddresses {
  readonly #bytes = new Uint8Array(new ArrayBuffer(PLACES * ADDRESS_BYTES_MAX));
  readonly #address: number;
  #used = 0;

  constructor(calls: Pick<UringCalls, 'addressOf'>) {
    this.#address = calls.addressOf(this.#bytes.buffer);
  }

  get isFull(): boolean {
    return this.#used === PLACES;
  }

  /** The kernel has read all of them. */
  clear(): void {
    this.#used = 0;
  }

  put(endpoint: Endpoint): { readonly address: number; readonly length: number } {
    const at = this.#used * ADDRESS_BYTES_MAX;
    this.#used += 1;
    return { address: this.#address + at, length: putAddress(this.#bytes.subarray(at, at + ADDRESS_BYTES_MAX), endpoint) };
  }
}
