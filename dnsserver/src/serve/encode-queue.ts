import { type RouteKey, routeKey } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import type { Route } from '../follow/route.ts';
import type { EncodedRoute } from './encoded-route.ts';

export interface RouteFeedOptions {
  /** Does a change of the module concern anybody? */
  readonly isFollowed: (key: RouteKey) => boolean;
  readonly encode: (route: Route) => EncodedRoute;
  /** @param quiet the hosts did not change, only the version */
  readonly deliver: (routes: readonly EncodedRoute[], quiet: boolean) => void;
  readonly counters: CounterBank<DnsserverCounter>;
}

interface Waiting {
  readonly route: Route;
  readonly quiet: boolean;
}

/** So much is encoded in one turn of the event loop, between which others are answered. */
const PORTION_ROUTES = 500;
const PORTION_BYTES = 256 * 1_024;

/**
 * Changed routes on their way from the table to those who serve them, encoded once. After a change of very many modules they leave
 * in portions; a route that changes again before its turn leaves once, in its last form.
 */
export class RouteFeed {
  readonly #options: RouteFeedOptions;
  readonly #waiting = new Map<RouteKey, Waiting>();
  #turn: NodeJS.Immediate | undefined;

  constructor(options: RouteFeedOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#waiting.size;
  }

  add(routes: readonly Route[], quiet: boolean): void {
    for (const route of routes) {
      const key = routeKey(route.modid, route.cmdid);
      if (!this.#options.isFollowed(key)) continue;
      this.#waiting.set(key, { route, quiet: quiet && (this.#waiting.get(key)?.quiet ?? true) });
    }
    if (this.#turn === undefined) this.#sendPortion();
  }

  stop(): void {
    clearImmediate(this.#turn);
    this.#waiting.clear();
  }

  #sendPortion(): void {
    const loud: EncodedRoute[] = [];
    const quiet: EncodedRoute[] = [];
    let bytes = 0;
    for (const [key, waiting] of this.#waiting) {
      if (loud.length + quiet.length >= PORTION_ROUTES || bytes >= PORTION_BYTES) break;
      this.#waiting.delete(key);
      const route = this.#options.encode(waiting.route);
      bytes += route.frames[0]?.length ?? 0;
      (waiting.quiet ? quiet : loud).push(route);
    }
    this.#options.counters.add(dnsserverCounters.at.pushedModules, loud.length);
    if (loud.length > 0) this.#options.deliver(loud, false);
    if (quiet.length > 0) this.#options.deliver(quiet, true);
    this.#turn = this.#waiting.size === 0 ? undefined : setImmediate(() => this.#sendPortion());
  }
}
