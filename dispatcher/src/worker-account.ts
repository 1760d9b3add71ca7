// pure

import type { StatusView } from '@lars/dispatch/shared-status';
import { ProtocolError } from '@lars/reactor/number-frames';

/** No process has more descriptors. A worker that tells more does not tell the truth. */
const OPEN_MAX = 2 ** 30;
const NOTHING: readonly Accepted[] = [];

/** A connection that was accepted and belongs to no worker yet; the dispatcher has a descriptor of it, and has not read from it. */
export interface Accepted {
  readonly fd: number;
  /** Which listener accepted it, counted from 0. */
  readonly listener: number;
  /** Monotonic. */
  readonly acceptedMs: number;
}

interface Sent {
  readonly connection: Accepted;
  readonly sentMs: number;
}

/**
 * What is known of one worker's connections: those that it says are open, and those that were sent and it has not said to have taken. The dispatcher keeps its
 * own descriptor of the latter, to give them to another worker if this one dies or does not answer.
 */
export class WorkerAccount {
  /** What the worker wants at a time, at most. */
  readonly maxOpen: number;
  #sent: Sent[] = [];
  #sentNumber = 0;
  #takenNumber = 0;
  #open = 0;
  #openBefore = 0;
  #lastSentMs = Number.NEGATIVE_INFINITY;

  /** @param maxOpen 0 = any number */
  constructor(maxOpen: number) {
    this.maxOpen = maxOpen === 0 ? Number.POSITIVE_INFINITY : maxOpen;
  }

  /** How many connections it has, as far as can be known. */
  get load(): number {
    return this.#open + this.#sent.length;
  }

  get open(): number {
    return this.#open;
  }

  get untaken(): number {
    return this.#sent.length;
  }

  /** The number of the last connection that it was given. */
  get lastNumber(): number {
    return this.#sentNumber;
  }

  /** Of two equal workers the one is next that was given none for longest. */
  get lastSentMs(): number {
    return this.#lastSentMs;
  }

  /** For how long the worker has not taken what was sent to it. */
  waitingMs(nowMs: number): number {
    const oldest = this.#sent[0];
    return oldest === undefined ? 0 : nowMs - oldest.sentMs;
  }

  /** @returns the number under which the worker gets it */
  add(connection: Accepted, nowMs: number): number {
    this.#sent.push({ connection, sentMs: nowMs });
    this.#sentNumber += 1;
    this.#lastSentMs = nowMs;
    return this.#sentNumber;
  }

  /**
   * The worker has said what it has.
   * @returns what it has taken since: the dispatcher's descriptors of it are to be closed
   * @throws {ProtocolError} when that cannot be
   */
  onStatus(taken: number, open: number): readonly Accepted[] {
    if (taken < this.#takenNumber || taken > this.#sentNumber) {
      throw new ProtocolError(
        `it says to have taken connection ${taken}, between ${this.#takenNumber} and ${this.#sentNumber} are possible`,
      );
    }
    // Before it takes anything it tells what it has from an earlier session.
    const before = taken === 0 ? open : this.#openBefore;
    if (open > OPEN_MAX || open > before + taken) {
      throw new ProtocolError(`it says that ${open} connections are open, and was given ${before + taken}`);
    }
    const count = taken - this.#takenNumber;
    this.#openBefore = before;
    this.#takenNumber = taken;
    this.#open = open;
    return this.#sent.splice(0, count).map(({ connection }) => connection);
  }

  /** As onStatus, of what stands in shared memory. @throws {ProtocolError} when that cannot be */
  onView(view: StatusView): readonly Accepted[] {
    const count = view.takenSince(this.#takenNumber);
    const { open } = view;
    if (count > this.#sent.length) {
      throw new ProtocolError(
        `it says to have taken ${count} connections, and was sent ${this.#sent.length} that it had not taken`,
      );
    }
    // It counts a connection before it takes it.
    if (open < 0 || open > this.#openBefore + this.#sentNumber) {
      throw new ProtocolError(`it says that ${open} connections are open, and was given ${this.#openBefore + this.#sentNumber}`);
    }
    this.#open = open;
    if (count === 0) return NOTHING;
    this.#takenNumber += count;
    return this.#sent.splice(0, count).map(({ connection }) => connection);
  }

  /** The last connections that were added could not be sent. @returns them, oldest first */
  removeLast(count: number): readonly Accepted[] {
    this.#sentNumber -= count;
    return this.#sent.splice(this.#sent.length - count).map(({ connection }) => connection);
  }

  /** The worker is gone. @returns what it has not taken, oldest first */
  takeBack(): readonly Accepted[] {
    return this.#sent.splice(0).map(({ connection }) => connection);
  }
}
