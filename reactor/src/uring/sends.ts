import { Count, RECEIVED_BYTES, Ready } from '../native/readiness-set.ts';
import { addReceive, addReceiveMany, addSend } from './entries.ts';
import { Kind, MANY, ONE } from './operations.ts';
import { HAS_BUFFER, MORE_FOLLOWS } from './ring.ts';
import type { SetParts } from './set-parts.ts';
import { NONE, State, Word } from './watches.ts';

const NOTHING = new Uint8Array(0);
/** So many small messages in a row show a conversation. Where the next ones are large, ending what receives many costs more than it has spared. */
const CONVERSATION = 4;

/**
 * Sends to one descriptor what was received from another, from the kernel's own buffer. What was sent on once is sent on from then on, without anybody being told of it, while it comes
 * in small pieces and the other side takes all of them: between two connections with small messages, nothing else of them is touched.
 */
export class Sends {
  readonly #parts: SetParts;
  readonly #watchBreaks: (fd: number) => void;
  readonly #leftOver = new Map<number, Uint8Array>();
  /** Tokens of sends, in order: of those that the kernel has got, and behind them of those that it gets next. */
  readonly #begun: number[] = [];
  #submitted = 0;
  /** How many sends there are whose end somebody waits for. */
  #awaited = 0;

  /** @param watchBreaks of a descriptor from which many messages are received by one operation */
  constructor(parts: SetParts, watchBreaks: (fd: number) => void) {
    this.#parts = parts;
    this.#watchBreaks = watchBreaks;
  }

  /** @param goesOn what comes next goes there, too. @returns false where the bytes are to be sent by the caller */
  forward(from: number, to: number, goesOn: boolean): boolean {
    const { watches } = this.#parts;
    if (!watches.has(from) || !watches.has(to) || this.isSending(to)) return false;
    const buffer = watches.get(from, Word.buffer);
    if (buffer === NONE) return false;
    watches.set(from, Word.buffer, NONE);
    this.#send(to, buffer, watches.get(from, Word.result));
    if (goesOn) this.beginSendingOn(from, to);
    return true;
  }

  /** Sends what came to where the last went. @returns false where that cannot be done, or not without telling */
  sendOn(token: number, result: number, flags: number): boolean {
    const { operations, watches, core } = this.#parts;
    if (operations.isCancelled(token)) return false;
    const fd = operations.fdOf(token);
    const to = watches.get(fd, Word.forwardTo);
    if (to === NONE || watches.is(fd, State.isGathering)) return false;
    if (result <= 0 || result >= RECEIVED_BYTES || (flags & HAS_BUFFER) === 0 || watches.get(to, Word.other) !== NONE) {
      this.endSendingOn(fd);
      return false;
    }
    watches.count(fd, Count.forwarded, result, core.nowMs);
    core.counters.bytesRead += result;
    this.#send(to, flags >>> 16, result);
    if ((flags & MORE_FOLLOWS) === 0) this.#receiveNext(fd, token);
    return true;
  }

  /** Somebody waits for the end of a send, of which nothing wakes the thread. */
  get isAwaited(): boolean {
    return this.#awaited > 0;
  }

  /** The kernel has got all entries. */
  onSubmitted(): void {
    this.#submitted = this.#begun.length;
  }

  /** A send has not taken all, which is told always. @param result how many bytes were sent, or a negative error number */
  fail(token: number, result: number): void {
    const { operations, buffers } = this.#parts;
    const buffer = operations.detailOf(token);
    if (!operations.isCancelled(token)) {
      const to = operations.fdOf(token);
      this.#end(to);
      this.#keepLeftOver(to, buffers.view(buffer, operations.lengthOf(token)), result);
      this.#tell(to);
    }
    buffers.giveBack(buffer);
    // Its token is free in its turn.
    operations.setDetail(token, NONE);
  }

  /** To be called when all results were taken: what the kernel has got, and has not failed, has gone. That is told to who waits for it. */
  settle(): void {
    const { operations, buffers, events } = this.#parts;
    const begun = this.#begun;
    let settled = 0;
    for (; settled < this.#submitted && !events.isFull; settled++) {
      const token = begun[settled] as number;
      const buffer = operations.detailOf(token);
      if (buffer !== NONE) {
        const to = operations.fdOf(token);
        if (!operations.isCancelled(token) && this.#end(to)) this.#tell(to);
        buffers.giveBack(buffer);
      }
      operations.release(token);
    }
    for (let at = settled; at < begun.length; at++) begun[at - settled] = begun[at] as number;
    begun.length -= settled;
    this.#submitted -= settled;
  }

  isSending(fd: number): boolean {
    const { watches } = this.#parts;
    return watches.is(fd, State.hasLeftOver) || (watches.has(fd) && watches.get(fd, Word.other) !== NONE);
  }

  /** As Receiver has it. */
  takeSent(fd: number): number | undefined {
    const { watches } = this.#parts;
    if (watches.is(fd, State.hasLeftOver)) {
      watches.unmark(fd, State.hasLeftOver);
      return watches.get(fd, Word.sent);
    }
    if (!this.isSending(fd)) return 0;
    if (!watches.is(fd, State.isAwaited)) this.#awaited += 1;
    watches.mark(fd, State.isAwaited);
    return undefined;
  }

  takeUnsent(fd: number): Uint8Array {
    const unsent = this.#leftOver.get(fd) ?? NOTHING;
    this.#leftOver.delete(fd);
    return unsent;
  }

  /** As Receiver has it. */
  beginSendingOn(from: number, to: number): void {
    const { watches } = this.#parts;
    if (!watches.has(from) || !watches.has(to)) return;
    this.endSendingOn(from);
    this.#endSendingTo(to);
    watches.set(from, Word.forwardTo, to);
    watches.set(to, Word.forwardFrom, from);
  }

  /** What comes from there is told again. */
  endSendingOn(from: number): void {
    const { watches } = this.#parts;
    const to = watches.get(from, Word.forwardTo);
    if (to === NONE) return;
    watches.set(from, Word.forwardTo, NONE);
    watches.set(to, Word.forwardFrom, NONE);
    watches.setMessages(from, 0);
  }

  /** The descriptor is no more. */
  forget(fd: number): void {
    this.endSendingOn(fd);
    this.#endSendingTo(fd);
    if (this.#parts.watches.is(fd, State.hasLeftOver)) this.#leftOver.delete(fd);
    if (this.#parts.watches.is(fd, State.isAwaited)) this.#awaited -= 1;
  }

  #receiveNext(fd: number, token: number): void {
    const { watches, operations, ring } = this.#parts;
    const messages = watches.messagesOf(fd) + 1;
    if (messages < CONVERSATION) {
      watches.setMessages(fd, messages);
      operations.setDetail(token, ONE);
      addReceive(ring, fd, token, false);
      return;
    }
    operations.setDetail(token, MANY);
    addReceiveMany(ring, fd, token);
    this.#watchBreaks(fd);
  }

  #send(to: number, buffer: number, length: number): void {
    const { operations, watches, ring, buffers } = this.#parts;
    const token = operations.open(Kind.send, to, buffer, length);
    watches.set(to, Word.other, token);
    this.#countSent(to, length);
    addSend(ring, to, token, buffers.addressOf(buffer), length);
    this.#begun.push(token);
  }

  #endSendingTo(to: number): void {
    const from = this.#parts.watches.get(to, Word.forwardFrom);
    if (from !== NONE) this.endSendingOn(from);
  }

  /** @param result how many bytes were sent, or a negative error number */
  #keepLeftOver(to: number, bytes: Uint8Array, result: number): void {
    const { watches } = this.#parts;
    const unsent = bytes.slice(Math.max(0, result));
    this.#endSendingTo(to);
    this.#leftOver.set(to, unsent);
    this.#countSent(to, -unsent.length);
    watches.mark(to, State.hasLeftOver);
    watches.set(to, Word.sent, result);
  }

  #countSent(to: number, bytes: number): void {
    const { watches, core } = this.#parts;
    watches.count(to, Count.sent, bytes, core.nowMs);
    core.counters.bytesWritten += bytes;
  }

  /** @returns whether somebody waits for it */
  #end(to: number): boolean {
    const { watches } = this.#parts;
    watches.set(to, Word.other, NONE);
    if (!watches.is(to, State.isAwaited)) return false;
    watches.unmark(to, State.isAwaited);
    this.#awaited -= 1;
    return true;
  }

  #tell(to: number): void {
    const { watches, events } = this.#parts;
    events.add(to, watches.get(to, Word.generation), Ready.writable);
  }
}
