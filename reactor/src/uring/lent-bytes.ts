import type { ReceiveBuffers } from './receive-buffers.ts';
import { NONE, State, type Watches, Word } from './watches.ts';

const NOTHING = new Uint8Array(0);

/** The kernel's buffers with bytes that somebody may look at until the next wait, when the kernel gets them back. What nobody has taken by then is copied. */
export class LentBytes {
  readonly #watches: Watches;
  readonly #buffers: ReceiveBuffers;
  /** Told of each descriptor with bytes that nobody has taken: nothing is received from it for now. */
  readonly #onCopied: (fd: number) => void;
  readonly #copies = new Map<number, Uint8Array>();
  readonly #fds: number[] = [];
  /** Of descriptors that are no more. */
  readonly #numbers: number[] = [];

  constructor(watches: Watches, buffers: ReceiveBuffers, onCopied: (fd: number) => void) {
    this.#watches = watches;
    this.#buffers = buffers;
    this.#onCopied = onCopied;
  }

  /** The descriptor has got a buffer, or its copy was taken: until the next wait. */
  add(fd: number): void {
    this.#fds.push(fd);
  }

  /** The bytes of its last result. */
  of(fd: number): Uint8Array {
    const buffer = this.#bufferOf(fd);
    return buffer === NONE ? (this.#copies.get(fd) ?? NOTHING) : this.#buffers.view(buffer, this.#watches.get(fd, Word.result));
  }

  /** Copies what lies in a buffer behind what was gathered before, and gives the buffer back. */
  gather(fd: number, buffer: number, length: number): void {
    this.#copies.set(fd, Buffer.concat([this.#copies.get(fd) ?? NOTHING, this.#buffers.view(buffer, length)]));
    this.#watches.mark(fd, State.hasCopy);
    this.#buffers.giveBack(buffer);
  }

  /** Something else is received there, or nothing any more. */
  forget(fd: number): void {
    const buffer = this.#bufferOf(fd);
    if (buffer !== NONE) this.#numbers.push(buffer);
    if (!this.#watches.is(fd, State.hasCopy)) return;
    this.#copies.delete(fd);
    this.#watches.unmark(fd, State.hasCopy);
  }

  giveBackAll(): void {
    for (const fd of this.#fds) this.#giveBack(fd);
    this.#fds.length = 0;
    for (const buffer of this.#numbers) this.#buffers.giveBack(buffer);
    this.#numbers.length = 0;
  }

  #giveBack(fd: number): void {
    const watches = this.#watches;
    const buffer = this.#bufferOf(fd);
    if (buffer === NONE) {
      if (!watches.is(fd, State.hasResult)) this.forget(fd);
      return;
    }
    if (watches.is(fd, State.hasResult)) {
      this.#copies.set(fd, this.of(fd).slice());
      watches.mark(fd, State.hasCopy);
      this.#onCopied(fd);
    }
    this.#buffers.giveBack(buffer);
    watches.set(fd, Word.buffer, NONE);
  }

  #bufferOf(fd: number): number {
    return this.#watches.has(fd) ? this.#watches.get(fd, Word.buffer) : NONE;
  }
}
