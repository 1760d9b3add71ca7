import { systemError } from '@lars/syscalls/errno';
import { EFD_NONBLOCK_CLOEXEC } from '../linux/constants.ts';
import type { Libc } from '../linux/libc.ts';
import type { UringCalls } from '../uring/uring-calls.ts';

const REGISTER_EVENTFD = 4;
const COUNTER_BYTES = 8;

/**
 * A descriptor that is readable when a ring may have results. A thread that waits by the ring's own is not woken, because results arrive only while it is inside of the ring
 * (DEFER_TASKRUN); that one does say, when it is asked, whether there are any.
 */
export class RingWaker {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #counter = new ArrayBuffer(COUNTER_BYTES);
  readonly #counterAddress: number;

  /** @throws {Error} as Node's, with `code` */
  constructor(libc: Libc, calls: UringCalls, ring: number) {
    this.#libc = libc;
    this.#counterAddress = libc.addressOf(this.#counter);
    this.fd = libc.eventfd(0, EFD_NONBLOCK_CLOEXEC);
    if (this.fd < 0) throw systemError('eventfd', libc.errno());
    new Int32Array(this.#counter)[0] = this.fd;
    if (calls.register(ring, REGISTER_EVENTFD, this.#counterAddress, 1) >= 0) return;
    const error = systemError('io_uring_register', libc.errno());
    libc.close(this.fd);
    throw error;
  }

  /** To be called before the ring is asked for results, so that it tells of later ones. */
  reset(): void {
    this.#libc.read(this.fd, this.#counterAddress, COUNTER_BYTES);
  }

  /** To be called when the ring is closed. */
  close(): void {
    this.#libc.close(this.fd);
  }
}
