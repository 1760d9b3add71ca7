import { type RouteKey, routeKey } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import { TimeSlicedQueue } from '@lars/runtime/time-sliced-queue';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import type { Route } from '../follow/route-table.ts';
import type { EncodedRoute } from './encoded-route.ts';

export interface EncodeQueueDeps {
  /** Whether anybody is to be sent the module's changes. */
  readonly isSubscribed: (key: RouteKey) => boolean;
  readonly encode: (route: Route) => EncodedRoute;
  /** @param versionOnly the hosts did not change, only the version */
  readonly deliver: (routes: readonly EncodedRoute[], versionOnly: boolean) => void;
  readonly counters: SharedCounters<DnsserverCounter>;
}

/** This much is encoded in one slice. */
const SLICE_ROUTES = 500;
const SLICE_BYTES = 256 * 1_024;

/**
 * Changed routes on their way from the table to those who serve them, encoded once. After a change of very many modules they leave
 * in slices, between which requests are answered. A route that changes again while it is queued leaves once, in its last form.
 */
export class EncodeQueue {
  readonly #deps: EncodeQueueDeps;
  readonly #queue = new TimeSlicedQueue<RouteKey, Route>(routes => this.#encodeSlice(routes));
  /** The queued routes of which only the version changed. */
  readonly #versionOnly = new Set<RouteKey>();

  constructor(deps: EncodeQueueDeps) {
    this.#deps = deps;
  }

  get length(): number {
    return this.#queue.length;
  }

  addRoutes(routes: readonly Route[], versionOnly: boolean): void {
    for (const route of routes) {
      const key = routeKey(route.modid, route.cmdid);
      if (!this.#deps.isSubscribed(key)) continue;
      if (!versionOnly) this.#versionOnly.delete(key);
      else if (this.#queue.get(key) === undefined) this.#versionOnly.add(key);
      this.#queue.set(key, route);
    }
    this.#queue.start();
  }

  stop(): void {
    this.#queue.stop();
    this.#versionOnly.clear();
  }

  #encodeSlice(routes: Map<RouteKey, Route>): void {
    const { encode, deliver, counters } = this.#deps;
    const changed: EncodedRoute[] = [];
    const versionOnly: EncodedRoute[] = [];
    let bytes = 0;
    for (const [key, route] of routes) {
      if (changed.length + versionOnly.length >= SLICE_ROUTES || bytes >= SLICE_BYTES) break;
      routes.delete(key);
      const encoded = encode(route);
      bytes += encoded.frames[0]?.length ?? 0;
      (this.#versionOnly.delete(key) ? versionOnly : changed).push(encoded);
    }
    counters.add(dnsserverCounters.at.pushedModules, changed.length);
    if (changed.length > 0) deliver(changed, false);
    if (versionOnly.length > 0) deliver(versionOnly, true);
  }
}
