import { Errno } from '@lars/syscalls/errno';
import { addCancel, addReceive } from './entries.ts';
import { LentBytes } from './lent-bytes.ts';
import { Kind, MANY } from './operations.ts';
import { HAS_BUFFER, MORE_FOLLOWS } from './ring.ts';
import type { SetParts } from './set-parts.ts';
import { NONE, State, Word } from './watches.ts';

/** Results of a receive that is to be tried again. */
const MAY_FOLLOW: readonly number[] = [-Errno.ENOBUFS, -Errno.EINTR, -Errno.EAGAIN];

/**
 * Receives one piece for each descriptor, until somebody takes it. What is sent on at once is received without end; where it cannot be sent on any more, what comes until the kernel
 * has let go of the descriptor is gathered, and told as one.
 */
export class Receives {
  readonly #parts: SetParts;
  readonly #watchBreaks: (fd: number) => void;
  readonly #lent: LentBytes;
  /** Behind what was gathered. */
  readonly #failures = new Map<number, number>();

  /** @param watchBreaks of a descriptor from which nothing is received for now */
  constructor(parts: SetParts, watchBreaks: (fd: number) => void) {
    this.#parts = parts;
    this.#watchBreaks = watchBreaks;
    this.#lent = new LentBytes(parts.watches, parts.buffers, watchBreaks);
  }

  /** As Receiver has it. */
  begin(fd: number): void {
    const { watches } = this.#parts;
    if (watches.has(fd) && watches.get(fd, Word.receive) === NONE && !watches.is(fd, State.hasResult)) this.#receive(fd);
  }

  take(fd: number): number | undefined {
    const { watches } = this.#parts;
    if (watches.is(fd, State.hasResult)) {
      watches.unmark(fd, State.hasResult);
      if (watches.is(fd, State.hasCopy)) this.#lent.add(fd);
      return watches.get(fd, Word.result);
    }
    if (!watches.is(fd, State.hasFailed)) return undefined;
    watches.unmark(fd, State.hasFailed);
    const failure = this.#failures.get(fd);
    this.#failures.delete(fd);
    return failure;
  }

  failureOf(fd: number): number | undefined {
    const { watches } = this.#parts;
    if (!watches.is(fd, State.hasResult)) return undefined;
    const result = watches.get(fd, Word.result);
    return result < 0 ? -result : undefined;
  }

  bytesOf(fd: number): Uint8Array {
    return this.#lent.of(fd);
  }

  /** The turn is over in which bytes were lent. */
  giveBackAll(): void {
    this.#lent.giveBackAll();
  }

  /** The descriptor is no more. */
  forget(fd: number): void {
    this.#lent.forget(fd);
    if (this.#parts.watches.is(fd, State.hasFailed)) this.#failures.delete(fd);
  }

  /** @returns whether there is something to take */
  finish(token: number, result: number, flags: number): boolean {
    const { operations, watches, buffers } = this.#parts;
    const fd = operations.fdOf(token);
    const buffer = (flags & HAS_BUFFER) === 0 ? NONE : flags >>> 16;
    const isOver = (flags & MORE_FOLLOWS) === 0;
    const isCancelled = operations.isCancelled(token);
    if ((isCancelled || result <= 0) && buffer !== NONE) buffers.giveBack(buffer);
    if (isOver) operations.release(token);
    if (isCancelled) return false;
    if (!isOver) {
      this.#gather(token, fd, buffer, result);
      return false;
    }
    watches.set(fd, Word.receive, NONE);
    const isKept = watches.is(fd, State.isGathering)
      ? this.#finishGathering(fd, buffer, result)
      : this.#keepResult(fd, buffer, result);
    if (isKept) watches.mark(fd, State.hasResult);
    return isKept;
  }

  /**
   * Something has broken there. A receive of many messages may never be told (Linux 6.18: where bytes and the break come at once, it looks for bytes once, and is woken by nothing
   * after them), so that one message is received instead: what is there will be told by that.
   */
  endMany(fd: number): void {
    this.#endMany(fd, this.#parts.watches.get(fd, Word.receive));
  }

  /** Whether many results are being received. */
  isMany(fd: number): boolean {
    const { operations, watches } = this.#parts;
    const token = watches.get(fd, Word.receive);
    return token !== NONE && operations.detailOf(token) === MANY;
  }

  #receive(fd: number): void {
    const { operations, watches, ring } = this.#parts;
    if (watches.is(fd, State.hasCopy)) this.#lent.forget(fd);
    const token = operations.open(Kind.receive, fd);
    watches.set(fd, Word.receive, token);
    addReceive(ring, fd, token, !watches.is(fd, State.hasReceived));
    watches.mark(fd, State.hasReceived);
  }

  #keepResult(fd: number, buffer: number, result: number): boolean {
    const { watches } = this.#parts;
    if (result === -Errno.ECANCELED) return false;
    // All buffers were in use; they are the kernel's again when this is submitted.
    if (MAY_FOLLOW.includes(result)) {
      if (!watches.is(fd, State.isStopped)) this.#receive(fd);
      return false;
    }
    watches.set(fd, Word.result, result);
    watches.set(fd, Word.buffer, result > 0 ? buffer : NONE);
    if (result > 0) this.#lent.add(fd);
    return true;
  }

  /** What comes is not sent on any more: one that receives many times ends before it is told, so that others may read behind it. */
  #gather(token: number, fd: number, buffer: number, result: number): void {
    this.#lent.gather(fd, buffer, result);
    this.#endMany(fd, token);
  }

  #endMany(fd: number, token: number): void {
    const { watches, ring } = this.#parts;
    if (!watches.is(fd, State.isGathering)) addCancel(ring, token);
    watches.mark(fd, State.isGathering);
  }

  /** @returns whether there is something to take */
  #finishGathering(fd: number, buffer: number, result: number): boolean {
    const { watches } = this.#parts;
    watches.unmark(fd, State.isGathering);
    if (!watches.is(fd, State.hasCopy)) {
      // Nothing came before it was cancelled.
      if (result !== -Errno.ECANCELED) return this.#keepResult(fd, buffer, result);
      if (!watches.is(fd, State.isStopped)) this.#receive(fd);
      return false;
    }
    if (result > 0) this.#lent.gather(fd, buffer, result);
    else if (result < 0 && result !== -Errno.ECANCELED && !MAY_FOLLOW.includes(result)) {
      watches.mark(fd, State.hasFailed);
      this.#failures.set(fd, result);
    }
    watches.set(fd, Word.result, this.#lent.of(fd).length);
    this.#watchBreaks(fd);
    return true;
  }
}
