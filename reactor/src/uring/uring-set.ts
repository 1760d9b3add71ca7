import { Errno } from '@lars/syscalls/errno';
import type { Endpoint } from '../check-options.ts';
import { CHANGE_EDGES, CONNECTING, RECEIVED, type ReadinessSet, Ready, type Receiver } from '../native/readiness-set.ts';
import type { Mapping } from '../resource-ledger.ts';
import { Closings } from './closings.ts';
import { ConnectAddresses } from './connect-addresses.ts';
import { EarlyResults } from './early-results.ts';
import { addCancel, addCancelOfAll, addConnect, addPoll, addReceive, addSend } from './entries.ts';
import { LateWatches } from './late-watches.ts';
import { ReceiveBuffers } from './receive-buffers.ts';
import { HAS_BUFFER, MORE_FOLLOWS, NO_TOKEN, Ring } from './ring.ts';
import { OperationsUnderWay, type UnderWay, Watch } from './under-way.ts';
import type { UringCalls } from './uring-calls.ts';

/** Few enough that a batch of bulk transfers leaves the event loop its turn within milliseconds. */
const EVENTS_MAX = 128;
/** Waits for what was cancelled, a millisecond each, that bring nothing at all. The kernel gives a few results at a time, and thousands may come first. */
const MAX_VAIN_WAITS = 100;
const NOTHING = new Uint8Array(0);

/**
 * Readiness by polls of io_uring, and receiving by it. An operation's token is given to another one when its last result is here and not before, so that no result is taken for
 * that of a later descriptor of the same number. Operations, their cancelling and closing are entries, which the kernel gets all at once with the next wait, or before where many close, in order.
 */
export class UringSet implements ReadinessSet, Receiver {
  readonly receiver: Receiver = this;
  readonly descriptor: number;
  readonly mappings: readonly Mapping[];
  onClosing: ((fd: number) => void) | undefined;
  readonly #ring: Ring;
  readonly #buffers: ReceiveBuffers;
  readonly #underWay = new OperationsUnderWay();
  readonly #addresses: ConnectAddresses;
  readonly #watches: (Watch | undefined)[] = [];
  readonly #events: Watch[] = [];
  readonly #readiness = new Int32Array(EVENTS_MAX);
  /** Of no event, with buffers that go back to the kernel with the next wait. */
  readonly #lent: Watch[] = [];
  /** What came while something was waited for. */
  readonly #early = new EarlyResults();
  readonly #breaks = new LateWatches();
  readonly #closings: Closings;

  /** @throws {Error} as Node's, with `code` */
  constructor(calls: UringCalls) {
    this.#ring = new Ring(calls);
    this.#closings = new Closings(this.#ring, fd => this.onClosing?.(fd));
    this.#addresses = new ConnectAddresses(calls);
    try {
      this.#buffers = new ReceiveBuffers(this.#ring, calls);
    } catch (error) {
      this.#ring.close();
      throw error;
    }
    this.descriptor = this.#ring.descriptor;
    this.mappings = [...this.#ring.mappings, this.#buffers.mapping];
  }

  get isUnfinished(): boolean {
    return this.#ring.hasUnsubmitted || !this.#early.isEmpty;
  }

  add(fd: number, events: number, generation: number): void {
    const watch = new Watch(fd, generation);
    this.#watches[fd] = watch;
    if (events === RECEIVED) this.begin(fd);
    else if (events !== CONNECTING) this.#poll(watch, events);
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
    this.#breaks.takeDue(watch => {
      if (this.#watches[watch.fd] === watch) this.watchChanges(watch.fd);
    });
    const hasEarly = !this.#early.isEmpty;
    this.#ring.enter(timeoutMs === 0 || hasEarly ? 0 : 1, timeoutMs);
    this.#addresses.clear();
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
    this.#closings.add(fd);
  }

  begin(fd: number): void {
    const watch = this.#watches[fd];
    if (watch !== undefined && watch.receive === undefined && !watch.hasResult) this.#receive(watch);
  }

  watchChanges(fd: number): void {
    const watch = this.#watches[fd];
    if (watch !== undefined && watch.poll === undefined) this.#poll(watch, CHANGE_EDGES);
  }

  watchBreaks(fd: number): void {
    const watch = this.#watches[fd];
    if (watch !== undefined && watch.poll === undefined) this.#breaks.add(watch);
  }

  take(fd: number): number | undefined {
    return this.#watches[fd]?.takeResult();
  }

  failureOf(fd: number): number | undefined {
    const watch = this.#watches[fd];
    return watch?.hasResult === true && watch.result < 0 ? -watch.result : undefined;
  }

  bytesOf(fd: number): Uint8Array {
    const watch = this.#watches[fd];
    if (watch === undefined) return NOTHING;
    return watch.buffer < 0 ? (watch.copy ?? NOTHING) : this.#buffers.view(watch.buffer, watch.result);
  }

  connect(fd: number, endpoint: Endpoint): void {
    const watch = this.#watches[fd];
    if (watch === undefined) return;
    if (this.#addresses.isFull) {
      this.#ring.enter(0, 0);
      this.#addresses.clear();
    }
    const operation = this.#underWay.open('connect', watch);
    watch.other = operation;
    const { address, length } = this.#addresses.put(endpoint);
    addConnect(this.#ring, fd, operation.token, address, length);
  }

  forward(from: number, to: number): boolean {
    const source = this.#watches[from];
    const target = this.#watches[to];
    if (source === undefined || target === undefined || source.buffer < 0 || target.other !== undefined) return false;
    const operation = this.#underWay.open('send', target);
    operation.buffer = source.buffer;
    operation.length = source.result;
    source.buffer = -1;
    target.other = operation;
    addSend(this.#ring, to, operation.token, this.#buffers.addressOf(operation.buffer), operation.length);
    return true;
  }

  takeSent(fd: number): number | undefined {
    return this.#watches[fd]?.takeSent();
  }

  takeUnsent(fd: number): Uint8Array {
    return this.#watches[fd]?.takeUnsent() ?? NOTHING;
  }

  stop(fd: number): void {
    const watch = this.#watches[fd];
    const operation = watch?.receive;
    if (watch === undefined || operation === undefined) return;
    watch.isStopped = true;
    // Its result may have come while another one was stopped.
    if (this.#early.takeOf(operation.token, (result, flags) => this.#finishUntold(operation, result, flags))) return;
    addCancel(this.#ring, operation.token);
    for (let vain = 0; watch.receive === operation && vain < MAX_VAIN_WAITS; vain++) {
      this.#ring.enter(1, 1);
      while (this.#ring.next()) {
        const { token, result, flags } = this.#ring;
        vain = 0;
        if (token === operation.token) this.#finishUntold(operation, result, flags);
        else if (token !== NO_TOKEN) this.#early.push(token, result, flags);
      }
    }
    if (watch.receive === operation) throw new Error(`io_uring does not cancel what it receives from descriptor ${fd}`);
  }

  /** Cancels everything and waits for it, in bounded time. */
  close(): void {
    addCancelOfAll(this.#ring);
    for (const operation of this.#underWay) operation.isCancelled = true;
    this.#settle();
    this.#takeEarly();
    for (let vain = 0; vain < MAX_VAIN_WAITS && (this.#underWay.count > 0 || this.isUnfinished); vain++) {
      this.#ring.enter(1, 1);
      while (this.#ring.next()) {
        vain = 0;
        this.#take(this.#ring.token, this.#ring.result, this.#ring.flags);
      }
    }
    this.#ring.close();
    this.#buffers.close();
  }

  #poll(watch: Watch, events: number): void {
    watch.poll = this.#underWay.open('poll', watch);
    watch.poll.events = events;
    this.#submitPoll(watch.poll);
  }

  #submitPoll({ token, watch, events }: UnderWay): void {
    addPoll(this.#ring, watch.fd, token, events);
  }

  #receive(watch: Watch): void {
    watch.receive = this.#underWay.open('receive', watch);
    addReceive(this.#ring, watch.fd, watch.receive.token, watch.isFirst);
    watch.isFirst = false;
  }

  #forget(fd: number): boolean {
    const watch = this.#watches[fd];
    if (watch === undefined) return false;
    this.#watches[fd] = undefined;
    if (watch.poll !== undefined) this.#cancel(watch.poll);
    if (watch.receive !== undefined) this.#cancel(watch.receive);
    if (watch.other !== undefined) this.#cancel(watch.other);
    return true;
  }

  #cancel(operation: UnderWay): void {
    operation.isCancelled = true;
    addCancel(this.#ring, operation.token);
  }

  /** What was not taken in the last turn is copied, because the kernel gets its buffers back. */
  #settle(): void {
    for (const watch of this.#events) this.#giveBack(watch);
    this.#events.length = 0;
    for (const watch of this.#lent) this.#giveBack(watch);
    this.#lent.length = 0;
  }

  #giveBack(watch: Watch): void {
    if (watch.buffer < 0) return;
    if (watch.hasResult) {
      watch.copy = this.#buffers.view(watch.buffer, watch.result).slice();
      if (this.#watches[watch.fd] === watch) this.watchBreaks(watch.fd);
    }
    this.#buffers.giveBack(watch.buffer);
    watch.buffer = -1;
  }

  #finishUntold(operation: UnderWay, result: number, flags: number): void {
    if (this.#finishReceive(operation, result, flags)) this.#lent.push(operation.watch);
  }

  #takeEarly(): void {
    this.#early.takeAll((token, result, flags) => {
      if (this.#events.length === EVENTS_MAX) return false;
      this.#take(token, result, flags);
      return true;
    });
  }

  #take(token: number, result: number, flags: number): void {
    const operation = this.#underWay.get(token);
    if (token === NO_TOKEN || operation === undefined) return;
    const { kind, watch } = operation;
    if (kind === 'receive') {
      if (this.#finishReceive(operation, result, flags)) this.#tell(watch, watch.receivedReadiness);
    } else if (kind === 'poll') this.#onPoll(operation, result, flags);
    else this.#finishOther(operation, result);
  }

  #onPoll(operation: UnderWay, result: number, flags: number): void {
    const { watch } = operation;
    const isOver = (flags & MORE_FOLLOWS) === 0;
    if (operation.isCancelled) {
      if (isOver) this.#underWay.release(operation);
      return;
    }
    // A poll of one change tells it again for as long as it lasts; one of all changes ends where there was no memory for a result.
    if (isOver) {
      if (result >= 0 || result === -Errno.ENOMEM) this.#submitPoll(operation);
      else {
        watch.poll = undefined;
        this.#underWay.release(operation);
      }
    }
    this.#tell(watch, result < 0 ? Ready.error : result);
  }

  #tell(watch: Watch, readiness: number): void {
    this.#readiness[this.#events.length] = readiness;
    this.#events.push(watch);
  }

  /** A send or a connect. */
  #finishOther(operation: UnderWay, result: number): void {
    const { kind, watch, buffer, length, isCancelled } = operation;
    this.#underWay.release(operation);
    if (!isCancelled) {
      watch.other = undefined;
      this.#tell(watch, kind === 'connect' && result < 0 ? Ready.error : Ready.writable);
    }
    if (kind === 'connect') {
      watch.hasResult = result < 0;
      watch.result = result;
      return;
    }
    watch.hasSent = true;
    watch.sent = result;
    if (result < length) watch.unsent = this.#buffers.view(buffer, length).slice(Math.max(0, result));
    this.#buffers.giveBack(buffer);
  }

  /** @returns whether there is something to take */
  #finishReceive(operation: UnderWay, result: number, flags: number): boolean {
    const { watch, isCancelled } = operation;
    const buffer = (flags & HAS_BUFFER) === 0 ? -1 : flags >>> 16;
    this.#underWay.release(operation);
    watch.receive = undefined;
    if (isCancelled || result <= 0) {
      if (buffer >= 0) this.#buffers.giveBack(buffer);
      if (isCancelled || result === -Errno.ECANCELED) return false;
    }
    // All buffers were in use; they are the kernel's again when this is submitted.
    if (result === -Errno.ENOBUFS || result === -Errno.EINTR || result === -Errno.EAGAIN) {
      if (!watch.isStopped) this.#receive(watch);
      return false;
    }
    watch.hasResult = true;
    watch.result = result;
    watch.copy = undefined;
    watch.buffer = result > 0 ? buffer : -1;
    return true;
  }
}
