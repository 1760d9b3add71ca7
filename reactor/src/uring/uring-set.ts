import { Errno } from '@lars/syscalls/errno';
import { CHANGE_EDGES, EDGE_TRIGGERED, RECEIVED, type ReadinessSet, Ready, type Receiver } from '../native/readiness-set.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import { HAS_BUFFER, MORE_FOLLOWS, NO_TOKEN, Operation, POLL_FIRST, Ring, SELECT_BUFFER } from './ring.ts';
import type { UringCalls } from './uring-calls.ts';

/** Few enough that a batch of bulk transfers leaves the event loop its turn within milliseconds. */
const EVENTS_MAX = 128;
/** IORING_POLL_ADD_MULTI: a poll that tells every change, until it is cancelled. */
const POLL_MANY = 1;
/** IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY */
const CANCEL_EVERYTHING = 5;
const MAX_CANCEL_WAITS = 100;
const NOTHING = new Uint8Array(0);

/** A poll or a receive that is under way. */
interface UnderWay {
  readonly token: number;
  readonly watch: Watch;
  /** Of a poll: a sum of Ready, and EDGE_TRIGGERED; of a receive: RECEIVED. */
  readonly events: number;
  /** Nobody wants to hear of it any more. */
  isCancelled: boolean;
}

/** What is known of a descriptor in the set. */
interface Watch {
  readonly fd: number;
  readonly generation: number;
  poll: UnderWay | undefined;
  receive: UnderWay | undefined;
  /** A receive is over, and nobody has taken what came of it: `result` bytes, the end (0) or a negative error number. */
  hasResult: boolean;
  result: number;
  /** The bytes; until the next wait they lie in a buffer of the kernel's. */
  bytes: Uint8Array;
  isCopy: boolean;
  /** Nothing was received yet. */
  isFirst: boolean;
  /** Nothing is received any more. */
  isStopped: boolean;
}

/**
 * Readiness by polls of io_uring, and receiving by it. An operation's token is given to another one when its last result is here and not before, so that no result is taken for
 * that of a later descriptor of the same number. Operations, their cancelling and closing are entries, which the kernel gets all at once with the next wait, in order.
 */
export class UringSet implements ReadinessSet, Receiver {
  readonly receiver: Receiver = this;
  readonly #ring: Ring;
  readonly #buffers: ReceiveBuffers;
  readonly #underWay: (UnderWay | undefined)[] = [];
  readonly #freeTokens: number[] = [];
  readonly #watches: (Watch | undefined)[] = [];
  readonly #events: Watch[] = [];
  readonly #readiness = new Int32Array(EVENTS_MAX);
  /** Buffers that go back to the kernel with the next wait. */
  readonly #lent: number[] = [];
  /** Results that came while something was waited for: token, result and flags of each. */
  #early: number[] = [];
  #count = 0;

  /** @throws {Error} as Node's, with `code` */
  constructor(calls: UringCalls) {
    this.#ring = new Ring(calls);
    try {
      this.#buffers = new ReceiveBuffers(this.#ring, calls);
    } catch (error) {
      this.#ring.close();
      throw error;
    }
  }

  get isUnfinished(): boolean {
    return this.#ring.hasUnsubmitted || this.#early.length > 0;
  }

  add(fd: number, events: number, generation: number): void {
    const watch: Watch = {
      fd,
      generation,
      poll: undefined,
      receive: undefined,
      hasResult: false,
      result: 0,
      bytes: NOTHING,
      isCopy: false,
      isFirst: true,
      isStopped: false,
    };
    this.#watches[fd] = watch;
    if (events === RECEIVED) this.begin(fd);
    else this.#poll(watch, events);
  }

  change(fd: number, events: number): void {
    const watch = this.#watches[fd];
    if (watch === undefined) return;
    if (watch.poll !== undefined) this.#cancel(watch.poll);
    this.#poll(watch, events);
  }

  /** The kernel has let go of the descriptor when this returns: who closes it then ends the connection. */
  remove(fd: number): void {
    if (this.#forget(fd)) this.#ring.enter(0, 0);
  }

  wait(timeoutMs: number): number {
    this.#settle();
    const hasEarly = this.#early.length > 0;
    this.#ring.enter(timeoutMs === 0 || hasEarly ? 0 : 1, timeoutMs);
    if (hasEarly) this.#takeEarly();
    while (this.#events.length < EVENTS_MAX && this.#ring.next()) {
      this.#take(this.#ring.token, this.#ring.result, this.#ring.flags);
    }
    return this.#events.length;
  }

  fdOf(event: number): number {
    return (this.#events[event] as Watch).fd;
  }

  generationOf(event: number): number {
    return (this.#events[event] as Watch).generation;
  }

  readinessOf(event: number): number {
    return this.#readiness[event] as number;
  }

  /** An operation that is under way would keep the connection open. */
  closeDescriptor(fd: number): void {
    this.#forget(fd);
    this.#ring.add(Operation.close, fd, NO_TOKEN);
  }

  begin(fd: number): void {
    const watch = this.#watches[fd];
    if (watch !== undefined && watch.receive === undefined && !watch.hasResult) this.#receive(watch);
  }

  watchChanges(fd: number): void {
    const watch = this.#watches[fd];
    if (watch !== undefined && watch.poll === undefined) this.#poll(watch, CHANGE_EDGES);
  }

  take(fd: number): number | undefined {
    const watch = this.#watches[fd];
    if (watch === undefined || !watch.hasResult) return undefined;
    watch.hasResult = false;
    return watch.result;
  }

  failureOf(fd: number): number | undefined {
    const watch = this.#watches[fd];
    return watch?.hasResult === true && watch.result < 0 ? -watch.result : undefined;
  }

  bytesOf(fd: number): Uint8Array {
    return this.#watches[fd]?.bytes ?? NOTHING;
  }

  stop(fd: number): void {
    const watch = this.#watches[fd];
    const operation = watch?.receive;
    if (watch === undefined || operation === undefined) return;
    watch.isStopped = true;
    // Its result may have come while another one was stopped.
    if (this.#finishEarly(operation)) return;
    this.#addCancel(operation);
    for (let waits = 0; watch.receive === operation && waits < MAX_CANCEL_WAITS; waits++) {
      this.#ring.enter(1, 1);
      while (this.#ring.next()) {
        const { token, result, flags } = this.#ring;
        if (token === operation.token) this.#finishReceive(operation, result, flags);
        else if (token !== NO_TOKEN) this.#early.push(token, result, flags);
      }
    }
    if (watch.receive === operation) throw new Error(`io_uring does not cancel what it receives from descriptor ${fd}`);
  }

  /** Cancels everything and waits for it, in bounded time. */
  close(): void {
    this.#ring.setField(this.#ring.add(Operation.cancel, -1, NO_TOKEN), 7, CANCEL_EVERYTHING);
    for (const operation of this.#underWay) if (operation !== undefined) operation.isCancelled = true;
    this.#settle();
    this.#takeEarly();
    for (let waits = 0; waits < MAX_CANCEL_WAITS && (this.#count > 0 || this.isUnfinished); waits++) {
      this.#ring.enter(1, 1);
      while (this.#ring.next()) this.#take(this.#ring.token, this.#ring.result, this.#ring.flags);
    }
    this.#ring.close();
  }

  #poll(watch: Watch, events: number): void {
    watch.poll = this.#open(watch, events);
    this.#submitPoll(watch.poll);
  }

  #submitPoll({ token, watch, events }: UnderWay): void {
    const entry = this.#ring.add(Operation.pollAdd, watch.fd, token);
    this.#ring.setField(entry, 7, events & ~EDGE_TRIGGERED);
    if ((events & EDGE_TRIGGERED) !== 0) this.#ring.setField(entry, 6, POLL_MANY);
  }

  #receive(watch: Watch): void {
    watch.receive = this.#open(watch, RECEIVED);
    // The first time bytes are probably here; later not, because the last receive had room for more.
    const flags = watch.isFirst ? SELECT_BUFFER : SELECT_BUFFER | POLL_FIRST;
    watch.isFirst = false;
    this.#ring.add(Operation.receive | flags, watch.fd, watch.receive.token);
  }

  #open(watch: Watch, events: number): UnderWay {
    const token = this.#freeTokens.pop() ?? this.#underWay.length;
    const operation: UnderWay = { token, watch, events, isCancelled: false };
    this.#underWay[token] = operation;
    this.#count += 1;
    return operation;
  }

  #release({ token }: UnderWay): void {
    this.#underWay[token] = undefined;
    this.#freeTokens.push(token);
    this.#count -= 1;
  }

  #forget(fd: number): boolean {
    const watch = this.#watches[fd];
    if (watch === undefined) return false;
    this.#watches[fd] = undefined;
    if (watch.poll !== undefined) this.#cancel(watch.poll);
    if (watch.receive !== undefined) this.#cancel(watch.receive);
    return true;
  }

  #cancel(operation: UnderWay): void {
    operation.isCancelled = true;
    this.#addCancel(operation);
  }

  #addCancel({ token }: UnderWay): void {
    this.#ring.setField(this.#ring.add(Operation.cancel, -1, NO_TOKEN), 4, token);
  }

  /** What was not taken in the last turn is copied, because the kernel gets its buffers back. */
  #settle(): void {
    for (const watch of this.#events) {
      if (!watch.hasResult || watch.isCopy) continue;
      watch.bytes = watch.bytes.slice();
      watch.isCopy = true;
      if (this.#watches[watch.fd] === watch) this.watchChanges(watch.fd);
    }
    this.#events.length = 0;
    for (const number of this.#lent) this.#buffers.giveBack(number);
    this.#lent.length = 0;
  }

  #finishEarly(operation: UnderWay): boolean {
    for (let at = 0; at < this.#early.length; at += 3) {
      if (this.#early[at] !== operation.token) continue;
      const [, result = 0, flags = 0] = this.#early.splice(at, 3);
      this.#finishReceive(operation, result, flags);
      return true;
    }
    return false;
  }

  #takeEarly(): void {
    const early = this.#early;
    this.#early = [];
    let at = 0;
    for (; at < early.length && this.#events.length < EVENTS_MAX; at += 3) {
      this.#take(early[at] as number, early[at + 1] as number, early[at + 2] as number);
    }
    this.#early = [...early.slice(at), ...this.#early];
  }

  #take(token: number, result: number, flags: number): void {
    const operation = this.#underWay[token];
    if (token === NO_TOKEN || operation === undefined) return;
    const { watch, events } = operation;
    if (events === RECEIVED) {
      if (this.#finishReceive(operation, result, flags)) {
        this.#tell(
          watch,
          result > 0 ? Ready.readable : result === 0 ? Ready.readable | Ready.remoteEnded : Ready.readable | Ready.error,
        );
      }
      return;
    }
    const isOver = (flags & MORE_FOLLOWS) === 0;
    if (operation.isCancelled) {
      if (isOver) this.#release(operation);
      return;
    }
    // A poll of one change tells it again for as long as it lasts; one of all changes ends where there was no memory for a result.
    if (isOver && (result >= 0 || result === -Errno.ENOMEM)) this.#submitPoll(operation);
    this.#tell(watch, result < 0 ? Ready.error : result);
  }

  #tell(watch: Watch, readiness: number): void {
    this.#readiness[this.#events.length] = readiness;
    this.#events.push(watch);
  }

  /** @returns whether there is something to take */
  #finishReceive(operation: UnderWay, result: number, flags: number): boolean {
    const { watch } = operation;
    const number = (flags & HAS_BUFFER) === 0 ? -1 : flags >>> 16;
    if (number >= 0) this.#lent.push(number);
    this.#release(operation);
    watch.receive = undefined;
    if (operation.isCancelled || result === -Errno.ECANCELED) return false;
    // All buffers were in use; they are the kernel's again when this is submitted.
    if (result === -Errno.ENOBUFS || result === -Errno.EINTR || result === -Errno.EAGAIN) {
      if (!watch.isStopped) this.#receive(watch);
      return false;
    }
    watch.hasResult = true;
    watch.result = result;
    watch.isCopy = false;
    watch.bytes = number < 0 ? NOTHING : this.#buffers.view(number, Math.max(0, result));
    return true;
  }
}
