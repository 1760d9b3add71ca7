// pure
/**
 * The requests that wait for one socket's answers: gives each its sequence number, finds whom an answer is for, and knows whose
 * time is up. It never calls the waiters; that is its owner's part. All operations are constant or logarithmic in the number that waits.
 */
import { type GetHostResponse, type GetRouteResponse, type RouteKey, routeKey } from '@lars/proto';
import { DeadlineHeap, type HasDeadline } from '../util/deadline-heap.ts';
import type { InWindow } from './send-window.ts';

export const MAX_SEQ = 2 ** 32 - 1;

/** What a waiter brings. */
export interface Waiter<Answer> {
  readonly modid: number;
  readonly cmdid: number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  /** @param bytes how long the answer's datagram is */
  readonly resolve: (answer: Answer, bytes: number) => void;
  readonly reject: (error: unknown) => void;
}

interface Common<Answer> extends Waiter<Answer>, HasDeadline, InWindow<Pending> {
  /** Takes the listener off the caller's signal. */
  unlisten: (() => void) | undefined;
}

/** A getHost, matched by sequence number and module. */
export interface PendingHost extends Common<GetHostResponse> {
  readonly kind: 'host';
  readonly seq: number;
}

/** A getRoute. Its answer carries no sequence number: it is matched by module. */
export interface PendingRoute extends Common<GetRouteResponse> {
  readonly kind: 'route';
}

/** A context for a route that the cache asks. No caller waits for it. Matched by module, as PendingRoute is. */
export interface PendingRefresh extends Common<GetRouteResponse> {
  readonly kind: 'refresh';
  /** The revision that the cache holds: the answer may say that it is current. */
  readonly version: number;
}

export type Pending = PendingHost | PendingRoute | PendingRefresh;

export class PendingTable {
  readonly #hosts = new Map<number, PendingHost>();
  readonly #routes = new Map<RouteKey, Set<PendingRoute | PendingRefresh>>();
  readonly #deadlines = new DeadlineHeap<Pending>();
  readonly #maxSeq: number;
  #nextSeq: number;
  #refreshes = 0;

  /** @param maxSeq the last number before it starts again from 1; fewer requests than that may wait at once */
  constructor(firstSeq = 1, maxSeq = MAX_SEQ) {
    this.#nextSeq = firstSeq;
    this.#maxSeq = maxSeq;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** Those that a caller waits for. */
  get callerCount(): number {
    return this.#deadlines.size - this.#refreshes;
  }

  get nextDeadlineMs(): number | undefined {
    return this.#deadlines.nextMs;
  }

  addHost(waiter: Waiter<GetHostResponse>): PendingHost {
    const pending: PendingHost = { kind: 'host', seq: this.#takeSeq(), ...waiter, ...unplaced() };
    this.#hosts.set(pending.seq, pending);
    this.#deadlines.add(pending);
    return pending;
  }

  addRoute(waiter: Waiter<GetRouteResponse>): PendingRoute {
    return this.#addRoute({ kind: 'route', ...waiter, ...unplaced() });
  }

  addRefresh(waiter: Waiter<GetRouteResponse>, version: number): PendingRefresh {
    this.#refreshes += 1;
    return this.#addRoute({ kind: 'refresh', version, ...waiter, ...unplaced() });
  }

  /** Takes out the request that a getHost answer is for; undefined when nobody waits for it (any more). */
  takeHost(seq: number, modid: number, cmdid: number): PendingHost | undefined {
    const pending = this.#hosts.get(seq);
    if (pending === undefined || pending.modid !== modid || pending.cmdid !== cmdid) return undefined;
    this.remove(pending);
    return pending;
  }

  /**
   * Takes out all requests that this answer serves. That a version is current serves only who asked with that version. Otherwise it is the
   * answer to the oldest: it serves other callers too, but no refresh that was asked later, because of something that happened since.
   */
  takeRoute({ modid, cmdid, version, notModified }: GetRouteResponse): (PendingRoute | PendingRefresh)[] {
    const all = [...(this.#routes.get(routeKey(modid, cmdid)) ?? [])];
    const waiting = notModified
      ? all.filter(one => one.kind === 'refresh' && one.version === version)
      : all.filter((one, at) => at === 0 || one.kind === 'route');
    for (const pending of waiting) this.remove(pending);
    return waiting;
  }

  /** Takes out a request whose deadline has come, the earliest first. */
  takeExpired(nowMs: number): Pending | undefined {
    const due = this.#deadlines.takeDue(nowMs);
    if (due !== undefined) this.#forget(due);
    return due;
  }

  /** Takes out one request, whichever; undefined when nobody waits. */
  takeAny(): Pending | undefined {
    return this.takeExpired(Number.POSITIVE_INFINITY);
  }

  /** @returns false when the request is not in the table (any more) */
  remove(pending: Pending): boolean {
    if (!this.#deadlines.remove(pending)) return false;
    this.#forget(pending);
    return true;
  }

  #addRoute<T extends PendingRoute | PendingRefresh>(pending: T): T {
    const key = routeKey(pending.modid, pending.cmdid);
    const others = this.#routes.get(key);
    if (others === undefined) this.#routes.set(key, new Set([pending]));
    else others.add(pending);
    this.#deadlines.add(pending);
    return pending;
  }

  #forget(pending: Pending): void {
    if (pending.kind === 'host') {
      this.#hosts.delete(pending.seq);
      return;
    }
    if (pending.kind === 'refresh') this.#refreshes -= 1;
    const key = routeKey(pending.modid, pending.cmdid);
    const others = this.#routes.get(key);
    others?.delete(pending);
    if (others?.size === 0) this.#routes.delete(key);
  }

  /** 1 .. 2^32 - 1 and round again, past those that still wait. 0 is left out, because proto3 would not send it. */
  #takeSeq(): number {
    let seq = this.#nextSeq;
    while (this.#hosts.has(seq)) seq = this.#after(seq);
    this.#nextSeq = this.#after(seq);
    return seq;
  }

  #after(seq: number): number {
    return seq === this.#maxSeq ? 1 : seq + 1;
  }
}

function unplaced() {
  return { heapIndex: -1, place: 'outside', prev: undefined, next: undefined, unlisten: undefined } as const;
}
