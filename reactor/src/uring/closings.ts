import { NO_TOKEN, Operation, type Ring } from './ring.ts';

/** So many are closed at once: until then they count as open, and the event loop may want some before the next wait. */
const WAITING_MAX = 16;

/** Descriptors that the kernel closes with the next entries. */
export class Closings {
  readonly #ring: Ring;
  readonly #fds: number[] = [];

  /** @param onClosing is told of each right before */
  constructor(ring: Ring, onClosing: (fd: number) => void) {
    this.#ring = ring;
    ring.onSubmit = () => {
      for (const fd of this.#fds) onClosing(fd);
      this.#fds.length = 0;
    };
  }

  add(fd: number): void {
    this.#ring.add(Operation.close, fd, NO_TOKEN);
    if (this.#fds.push(fd) >= WAITING_MAX) this.#ring.enter(0, 0);
  }
}
