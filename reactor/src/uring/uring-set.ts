import { Errno } from '@lars/syscalls/errno';
import { EDGE_TRIGGERED, type ReadinessSet, Ready } from '../epoll/readiness-set.ts';
import { MORE_FOLLOWS, NO_TOKEN, Operation, type Ring } from './ring.ts';

/** Few enough that a batch of bulk transfers leaves the event loop its turn within milliseconds. */
const EVENTS_MAX = 128;
/** IORING_POLL_ADD_MULTI: a poll that tells every change, until it is cancelled. */
const POLL_MANY = 1;
/** IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY */
const CANCEL_EVERYTHING = 5;
const MAX_CLOSING_WAITS = 100;

/** A poll that is under way. */
interface Poll {
  readonly token: number;
  readonly fd: number;
  readonly events: number;
  readonly generation: number;
  /** Nobody wants to hear of it any more. */
  isCancelled: boolean;
}

/**
 * Readiness by polls of io_uring. A poll's token is given to another one when its last result is here and not before, so that no result is taken for that of a later
 * descriptor of the same number. Adding, cancelling and closing are entries, which the kernel gets all at once with the next wait, in order.
 */
export class UringSet implements ReadinessSet {
  readonly #ring: Ring;
  readonly #polls: (Poll | undefined)[] = [];
  readonly #freeTokens: number[] = [];
  /** The poll of each descriptor. */
  readonly #pollOf: (Poll | undefined)[] = [];
  readonly #events: Poll[] = [];
  readonly #readiness = new Int32Array(EVENTS_MAX);
  #underWay = 0;

  constructor(ring: Ring) {
    this.#ring = ring;
  }

  get isUnfinished(): boolean {
    return this.#ring.hasUnsubmitted;
  }

  add(fd: number, events: number, generation: number): void {
    const token = this.#freeTokens.pop() ?? this.#polls.length;
    const poll: Poll = { token, fd, events, generation, isCancelled: false };
    this.#polls[token] = poll;
    this.#pollOf[fd] = poll;
    this.#underWay += 1;
    this.#submit(poll);
  }

  /** The kernel has let go of the descriptor when this returns: who closes it ends the connection. */
  remove(fd: number): void {
    if (this.#cancel(fd)) this.#ring.enter(0, 0);
  }

  wait(timeoutMs: number): number {
    this.#events.length = 0;
    this.#ring.enter(timeoutMs === 0 ? 0 : 1, timeoutMs);
    while (this.#events.length < EVENTS_MAX && this.#ring.next()) this.#take();
    return this.#events.length;
  }

  fdOf(event: number): number {
    return (this.#events[event] as Poll).fd;
  }

  generationOf(event: number): number {
    return (this.#events[event] as Poll).generation;
  }

  readinessOf(event: number): number {
    return this.#readiness[event] as number;
  }

  /** An operation that is under way would keep the connection open. */
  closeDescriptor(fd: number): void {
    this.#cancel(fd);
    this.#ring.add(Operation.close, fd, NO_TOKEN);
  }

  /** Cancels everything and waits for it, in bounded time. */
  close(): void {
    const entry = this.#ring.add(Operation.cancel, -1, NO_TOKEN);
    this.#ring.setField(entry, 7, CANCEL_EVERYTHING);
    for (const poll of this.#polls) if (poll !== undefined) poll.isCancelled = true;
    for (let waits = 0; waits < MAX_CLOSING_WAITS && (this.#underWay > 0 || this.#ring.hasUnsubmitted); waits++) {
      this.#ring.enter(1, 1);
      while (this.#ring.next()) this.#take();
    }
    this.#ring.close();
  }

  #submit({ fd, token, events }: Poll): void {
    const entry = this.#ring.add(Operation.pollAdd, fd, token);
    this.#ring.setField(entry, 7, events & ~EDGE_TRIGGERED);
    if ((events & EDGE_TRIGGERED) !== 0) this.#ring.setField(entry, 6, POLL_MANY);
  }

  #cancel(fd: number): boolean {
    const poll = this.#pollOf[fd];
    if (poll === undefined) return false;
    this.#pollOf[fd] = undefined;
    poll.isCancelled = true;
    const entry = this.#ring.add(Operation.cancel, -1, NO_TOKEN);
    this.#ring.setField(entry, 4, poll.token);
    return true;
  }

  #take(): void {
    const { token, result, flags } = this.#ring;
    const poll = this.#polls[token];
    if (token === NO_TOKEN || poll === undefined) return;
    const isOver = (flags & MORE_FOLLOWS) === 0;
    if (poll.isCancelled) {
      if (isOver) this.#release(poll);
      return;
    }
    // A poll of one change tells it again for as long as it lasts; one of all changes ends where there was no memory for a result.
    if (isOver && (result >= 0 || result === -Errno.ENOMEM)) this.#submit(poll);
    this.#readiness[this.#events.length] = result < 0 ? Ready.error : result;
    this.#events.push(poll);
  }

  #release({ token }: Poll): void {
    this.#polls[token] = undefined;
    this.#freeTokens.push(token);
    this.#underWay -= 1;
  }
}
