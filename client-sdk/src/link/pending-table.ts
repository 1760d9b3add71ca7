// pure
import { type GetHostResponse, type GetRouteResponse, type RouteKey, routeKey } from '@lars/proto';
import { DeadlineHeap, type HasDeadline } from '../util/deadline-heap.ts';
import type { InWindow } from './send-window.ts';

export const MAX_SEQ = 2 ** 32 - 1;

/** What the owner of the table says of a request. */
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

/** A route query of the cache. No caller waits for its answer, which is matched by module, as that of a getRoute is. */
export interface PendingRefresh extends Common<GetRouteResponse> {
  readonly kind: 'refresh';
  /** The route version that the cache has: the answer may say that it is current. */
  readonly version: number;
}

export type Pending = PendingHost | PendingRoute | PendingRefresh;

/**
 * The requests that wait for one socket's answers: gives each its sequence number, finds the requests that an answer is for, and knows
 * which deadlines are over. It never calls `resolve` or `reject`; its owner does. All operations are constant or logarithmic in the number
 * of requests.
 */
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

  /** Requests that a caller waits for. */
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

  /** The getHosts that wait. */
  pendingHosts(): PendingHost[] {
    return [...this.#hosts.values()];
  }

  /** Takes out the request that a getHost answer is for; undefined when no request waits for it (any more). */
  takeHost(seq: number, modid: number, cmdid: number): PendingHost | undefined {
    const pending = this.#hosts.get(seq);
    if (pending === undefined || pending.modid !== modid || pending.cmdid !== cmdid) return undefined;
    this.remove(pending);
    return pending;
  }

  /**
   * Takes out all requests that this answer resolves. An answer "not modified" is the one to the oldest refresh that asked with its version, a
   * full answer the one to the oldest request. That resolves all getRoutes too, but neither resolves a refresh that was sent later: the cause
   * of that refresh may be newer than the answer.
   */
  takeRoute({ modid, cmdid, version, notModified }: GetRouteResponse): (PendingRoute | PendingRefresh)[] {
    const all = [...(this.#routes.get(routeKey(modid, cmdid)) ?? [])];
    const waiting = notModified
      ? all.filter(one => one.kind === 'refresh' && one.version === version).slice(0, 1)
      : all.filter((one, at) => at === 0 || one.kind === 'route');
    for (const pending of waiting) this.remove(pending);
    return waiting;
  }

  /** Takes out a request whose deadline has come, the earliest first. */
  takeExpired(nowMs: number): Pending | undefined {
    const due = this.#deadlines.takeDue(nowMs);
    if (due !== undefined) this.#removeFromMaps(due);
    return due;
  }

  /** Takes out some request; undefined when there is none. */
  takeAny(): Pending | undefined {
    return this.takeExpired(Number.POSITIVE_INFINITY);
  }

  /** @returns false when the request is not in the table (any more) */
  remove(pending: Pending): boolean {
    if (!this.#deadlines.remove(pending)) return false;
    this.#removeFromMaps(pending);
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

  #removeFromMaps(pending: Pending): void {
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

  /** Counts 1 .. 2^32 - 1 and round again, past the numbers of requests that still wait. 0 is left out, because proto3 would not send it. */
  #takeSeq(): number {
    let seq = this.#nextSeq;
    while (this.#hosts.has(seq)) seq = this.#seqAfter(seq);
    this.#nextSeq = this.#seqAfter(seq);
    return seq;
  }

  #seqAfter(seq: number): number {
    return seq === this.#maxSeq ? 1 : seq + 1;
  }
}

function unplaced() {
  return { heapIndex: -1, place: 'outside', prev: undefined, next: undefined, unlisten: undefined } as const;
}
