// pure
/**
 * How many requests may lie unread in front of one socket of the agent. Its receive buffer holds about 256 small datagrams on a
 * stock Linux, for all clients of the machine together; what a burst sends beyond that is lost, and no error says so. So a client has a few
 * requests in flight and sends the next one when an answer comes.
 *
 * A socket is read in order. An answer therefore proves that every request sent before it has been read too, and has no part in the
 * buffer any more, though the agent may keep it unanswered while it fetches a route: all of them leave the flight. When nothing is
 * answered, a buffer that is not read looks the same as requests that are kept; then a few more go out on every PROBE_AFTER_MS.
 */
import { type Linked, LinkedQueue } from '../util/linked-queue.ts';

export const PROBE_AFTER_MS = 10;

export interface WindowSize {
  /** Requests in flight at most. */
  readonly full: number;
  /** Requests that go out on every PROBE_AFTER_MS without an answer. */
  readonly probe: number;
}

export const HOST_WINDOW: WindowSize = { full: 64, probe: 8 };
/** A route's answer may have 64 KiB, and our own receive buffer has room for three of that size. */
export const ROUTE_WINDOW: WindowSize = { full: 2, probe: 1 };
/** Nearly all refreshes are answered in a few bytes: the route has not changed. */
export const REFRESH_WINDOW: WindowSize = { full: 32, probe: 4 };

/** An entry of a SendWindow. The window alone writes its fields. */
export interface InWindow<T> extends Linked<T> {
  place: 'outside' | 'waiting' | 'in-flight';
}

export class SendWindow<T extends InWindow<T>> {
  readonly #waiting = new LinkedQueue<T>();
  /** Requests in the order in which they were sent. */
  readonly #inFlight = new LinkedQueue<T>();
  readonly #size: WindowSize;
  #lastSendMs = 0;

  constructor(size: WindowSize) {
    this.#size = size;
  }

  /** Entries not sent yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** When `probe` has something to do; undefined while no entry waits. */
  get wakeAtMs(): number | undefined {
    return this.#waiting.size === 0 || this.#inFlight.size === 0 ? undefined : this.#lastSendMs + PROBE_AFTER_MS;
  }

  enter(entry: T): void {
    entry.place = 'waiting';
    this.#waiting.append(entry);
  }

  /** The request to send now; undefined when the window is full or no entry waits. */
  takeNext(nowMs: number): T | undefined {
    const next = this.#waiting.first;
    if (next === undefined || this.#inFlight.size >= this.#size.full) return undefined;
    this.#waiting.remove(next);
    next.place = 'in-flight';
    this.#inFlight.append(next);
    this.#lastSendMs = nowMs;
    return next;
  }

  /** The entry is answered: it leaves, and so do all entries in flight that were sent before it. */
  onAnswer(entry: T): void {
    while (entry.place === 'in-flight') this.leave(this.#inFlight.first as T);
    this.leave(entry);
  }

  /** The entry is given up, or has left already. */
  leave(entry: T): void {
    if (entry.place === 'waiting') this.#waiting.remove(entry);
    else if (entry.place === 'in-flight') this.#inFlight.remove(entry);
    entry.place = 'outside';
  }

  /**
   * Makes room for a few requests when none could be sent for long. To be called after the socket was read: a process that was busy for
   * PROBE_AFTER_MS may have got the answers without having seen them yet.
   */
  probe(nowMs: number): void {
    if (nowMs - this.#lastSendMs < PROBE_AFTER_MS) return;
    const { full, probe } = this.#size;
    for (let room = full - this.#inFlight.size; room < probe; room++) this.leave(this.#inFlight.first as T);
  }
}
