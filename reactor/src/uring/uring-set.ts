import { Errno } from '@lars/syscalls/errno';
import type { Endpoint } from '../check-options.ts';
import type { EngineCore } from '../engine-core.ts';
import { CHANGE_EDGES, CONNECTING, RECEIVED, type ReadinessSet, Ready, type Receiver } from '../native/readiness-set.ts';
import type { Mapping } from '../resource-ledger.ts';
import { Closings } from './closings.ts';
import { ConnectAddresses } from './connect-addresses.ts';
import { EarlyResults } from './early-results.ts';
import { addCancel, addCancelOfAll, addConnect, addPoll } from './entries.ts';
import { Events } from './events.ts';
import { LateWatches } from './late-watches.ts';
import { Kind, Operations } from './operations.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import { Receives } from './receives.ts';
import { MORE_FOLLOWS, Ring } from './ring.ts';
import { Sends } from './sends.ts';
import type { SetParts } from './set-parts.ts';
import type { UringCalls } from './uring-calls.ts';
import { NONE, State, Watches, Word } from './watches.ts';

/** Waits for what was cancelled, a millisecond each, that bring nothing at all. The kernel gives a few results at a time, and thousands may come first. */
const MAX_VAIN_WAITS = 100;
const BREAKS = Ready.error | Ready.hangUp;
/** What a receive may not be told of. */
const ENDS = BREAKS | Ready.remoteEnded;

/**
 * Readiness by polls of io_uring, and receiving by it. An operation's token is given to another one when its last result is here and not before, so that no result is taken for
 * that of a later descriptor of the same number. Operations, their cancelling and closing are entries, which the kernel gets all at once with the next wait, or before where many close, in order.
 */
export class UringSet implements ReadinessSet, Receiver {
  readonly receiver: Receiver = this;
  readonly descriptor: number;
  readonly mappings: readonly Mapping[];
  onClosing: ((fd: number) => void) | undefined;
  readonly #parts: SetParts;
  readonly #ring: Ring;
  readonly #operations = new Operations();
  readonly #watches = new Watches();
  readonly #events = new Events();
  readonly #addresses: ConnectAddresses;
  readonly #receives: Receives;
  readonly #sends: Sends;
  /** What came while something was waited for. */
  readonly #early = new EarlyResults();
  readonly #breaks = new LateWatches();
  readonly #closings: Closings;

  /** @throws {Error} as Node's, with `code` */
  constructor(calls: UringCalls, core: EngineCore) {
    const ring = new Ring(calls);
    try {
      const buffers = new ReceiveBuffers(ring, calls);
      this.#parts = { core, ring, buffers, operations: this.#operations, watches: this.#watches, events: this.#events };
    } catch (error) {
      ring.close();
      throw error;
    }
    this.#ring = ring;
    this.#closings = new Closings(ring, fd => this.onClosing?.(fd));
    this.#addresses = new ConnectAddresses(calls);
    this.#receives = new Receives(this.#parts, fd => this.watchBreaks(fd));
    this.#sends = new Sends(this.#parts, fd => this.watchBreaks(fd));
    ring.onSubmitted = () => this.#sends.onSubmitted();
    this.descriptor = ring.descriptor;
    this.mappings = [...ring.mappings, this.#parts.buffers.mapping];
  }

  get isUnfinished(): boolean {
    return this.#ring.hasUnsubmitted || !this.#early.isEmpty || this.#sends.isAwaited;
  }

  add(fd: number, events: number, generation: number): void {
    this.#watches.add(fd, generation);
    if (events === RECEIVED) this.begin(fd);
    else if (events !== CONNECTING) this.#poll(fd, events);
  }

  change(fd: number, events: number): void {
    if (!this.#watches.has(fd)) return;
    this.#cancel(this.#watches.get(fd, Word.poll));
    this.#poll(fd, events);
  }

  /** The kernel has let go of the descriptor when this returns: who closes it then ends the connection. */
  remove(fd: number): void {
    if (this.#forget(fd)) this.#ring.enter(0, 0);
  }

  wait(timeoutMs: number): number {
    this.#settle();
    this.#breaks.takeDue((fd, generation) => {
      if (this.#watches.has(fd) && this.#watches.get(fd, Word.generation) === generation) this.watchChanges(fd);
    });
    const hasEarly = !this.#early.isEmpty;
    const mayWait = timeoutMs > 0 && !hasEarly && !this.#sends.isAwaited;
    this.#ring.enter(mayWait ? 1 : 0, mayWait ? timeoutMs : 0);
    this.#parts.core.look();
    this.#addresses.clear();
    if (hasEarly) this.#takeEarly();
    while (!this.#events.isFull && this.#ring.next()) {
      this.#take(this.#ring.token, this.#ring.result, this.#ring.flags);
    }
    this.#settleSends();
    return this.#events.count;
  }

  fdOf(event: number): number {
    return this.#events.fdOf(event);
  }

  generationOf(event: number): number {
    return this.#events.generationOf(event);
  }

  readinessOf(event: number): number {
    return this.#events.readinessOf(event);
  }

  /** An operation that is under way would keep the connection open. */
  closeDescriptor(fd: number): void {
    this.#forget(fd);
    this.#closings.add(fd);
  }

  begin(fd: number): void {
    this.#receives.begin(fd);
  }

  watchChanges(fd: number): void {
    if (this.#watches.has(fd) && this.#watches.get(fd, Word.poll) === NONE) this.#poll(fd, CHANGE_EDGES);
  }

  watchBreaks(fd: number): void {
    if (!this.#watches.has(fd) || this.#watches.get(fd, Word.poll) !== NONE) return;
    this.#breaks.add(fd, this.#watches.get(fd, Word.generation));
  }

  take(fd: number): number | undefined {
    return this.#receives.take(fd);
  }

  failureOf(fd: number): number | undefined {
    return this.#receives.failureOf(fd);
  }

  bytesOf(fd: number): Uint8Array {
    return this.#receives.bytesOf(fd);
  }

  connect(fd: number, endpoint: Endpoint): void {
    if (!this.#watches.has(fd)) return;
    if (this.#addresses.isFull) {
      this.#ring.enter(0, 0);
      this.#addresses.clear();
    }
    const token = this.#operations.open(Kind.connect, fd);
    this.#watches.set(fd, Word.other, token);
    const { address, length } = this.#addresses.put(endpoint);
    addConnect(this.#ring, fd, token, address, length);
  }

  forward(from: number, to: number, goesOn: boolean): boolean {
    return this.#sends.forward(from, to, goesOn);
  }

  sendOn(from: number, to: number): void {
    this.#sends.beginSendingOn(from, to);
  }

  isSending(fd: number): boolean {
    return this.#sends.isSending(fd);
  }

  takeSent(fd: number): number | undefined {
    return this.#sends.takeSent(fd);
  }

  takeUnsent(fd: number): Uint8Array {
    return this.#sends.takeUnsent(fd);
  }

  countOf(fd: number, count: number): number {
    return this.#watches.countOf(fd, count);
  }

  stop(fd: number): void {
    const watches = this.#watches;
    if (!watches.has(fd)) return;
    this.#sends.endSendingOn(fd);
    const token = watches.get(fd, Word.receive);
    if (token === NONE) return;
    watches.mark(fd, State.isStopped);
    const isUnderWay = (): boolean => watches.get(fd, Word.receive) === token;
    const finish = (result: number, flags: number): boolean => this.#receives.finish(token, result, flags);
    // Its results may have come while another one was stopped.
    while (isUnderWay() && this.#early.takeOf(token, finish));
    if (!isUnderWay()) return;
    addCancel(this.#ring, token);
    for (let vain = 0; isUnderWay() && vain < MAX_VAIN_WAITS; vain++) {
      this.#ring.enter(1, 1);
      while (this.#ring.next()) {
        const { token: of, result, flags } = this.#ring;
        vain = 0;
        if (of === token) finish(result, flags);
        else if (of !== NONE) this.#early.push(of, result, flags);
      }
    }
    if (isUnderWay()) throw new Error(`io_uring does not cancel what it receives from descriptor ${fd}`);
  }

  /** Cancels everything and waits for it, in bounded time. */
  close(): void {
    addCancelOfAll(this.#ring);
    this.#operations.cancelAll();
    this.#settle();
    this.#takeEarly();
    this.#settleSends();
    for (let vain = 0; vain < MAX_VAIN_WAITS && (this.#operations.count > 0 || this.#ring.hasUnsubmitted); vain++) {
      this.#ring.enter(1, 1);
      while (this.#ring.next()) {
        vain = 0;
        this.#take(this.#ring.token, this.#ring.result, this.#ring.flags);
      }
      this.#events.clear();
      this.#settleSends();
    }
    this.#ring.close();
    this.#parts.buffers.close();
  }

  #poll(fd: number, events: number): void {
    const token = this.#operations.open(Kind.poll, fd, events);
    this.#watches.set(fd, Word.poll, token);
    addPoll(this.#ring, fd, token, events);
  }

  #forget(fd: number): boolean {
    const watches = this.#watches;
    if (!watches.has(fd)) return false;
    this.#sends.forget(fd);
    this.#receives.forget(fd);
    for (const word of [Word.poll, Word.receive, Word.other]) this.#cancel(watches.get(fd, word));
    watches.remove(fd);
    return true;
  }

  #cancel(token: number): void {
    if (token === NONE) return;
    this.#operations.cancel(token);
    // What sends does not wait.
    if (this.#operations.kindOf(token) !== Kind.send) addCancel(this.#ring, token);
  }

  #settle(): void {
    this.#receives.giveBackAll();
    this.#events.clear();
  }

  #settleSends(): void {
    if (this.#ring.isDrained && this.#early.isEmpty) this.#sends.settle();
  }

  #takeEarly(): void {
    this.#early.takeAll((token, result, flags) => {
      if (this.#events.isFull) return false;
      this.#take(token, result, flags);
      return true;
    });
  }

  #take(token: number, result: number, flags: number): void {
    const kind = this.#operations.kindOf(token);
    if (kind === Kind.receive) {
      if (!this.#sends.sendOn(token, result, flags)) this.#onReceived(token, result, flags);
    } else if (kind === Kind.send) this.#sends.fail(token, result);
    else if (kind === Kind.poll) this.#onPoll(token, result, flags);
    else if (kind === Kind.connect) this.#finishConnect(token, result);
  }

  #onReceived(token: number, result: number, flags: number): void {
    const fd = this.#operations.fdOf(token);
    const isTold = this.#receives.finish(token, result, flags);
    if (this.#watches.is(fd, State.isBroken) && !this.#receives.isMany(fd)) {
      // What is there will be told, and an edge that has been is not told again: a new poll finds what broke.
      this.#watches.unmark(fd, State.isBroken);
      this.change(fd, CHANGE_EDGES);
    }
    if (!isTold) return;
    const received = this.#watches.get(fd, Word.result);
    if (received > 0) this.#tell(fd, Ready.readable);
    else this.#tell(fd, Ready.readable | (received === 0 ? Ready.remoteEnded : Ready.error));
  }

  #onPoll(token: number, result: number, flags: number): void {
    const operations = this.#operations;
    const isOver = (flags & MORE_FOLLOWS) === 0;
    if (operations.isCancelled(token)) {
      if (isOver) operations.release(token);
      return;
    }
    const fd = operations.fdOf(token);
    // A poll of one change tells it again for as long as it lasts; one of all changes ends where there was no memory for a result.
    if (isOver) {
      if (result >= 0 || result === -Errno.ENOMEM) addPoll(this.#ring, fd, token, operations.detailOf(token));
      else {
        this.#watches.set(fd, Word.poll, NONE);
        operations.release(token);
      }
    }
    if (result > 0 && (result & ENDS) !== 0 && this.#receives.isMany(fd)) {
      this.#receives.endMany(fd);
      // An end without a break is told by what is received.
      if ((result & BREAKS) !== 0) this.#watches.mark(fd, State.isBroken);
      return;
    }
    this.#tell(fd, result < 0 ? Ready.error : result);
  }

  #tell(fd: number, readiness: number): void {
    this.#events.add(fd, this.#watches.get(fd, Word.generation), readiness);
  }

  #finishConnect(token: number, result: number): void {
    const fd = this.#operations.fdOf(token);
    const isCancelled = this.#operations.isCancelled(token);
    this.#operations.release(token);
    if (isCancelled) return;
    const watches = this.#watches;
    watches.set(fd, Word.other, NONE);
    if (result < 0) {
      watches.mark(fd, State.hasResult);
      watches.set(fd, Word.result, result);
    }
    this.#tell(fd, result < 0 ? Ready.error : Ready.writable);
  }
}
