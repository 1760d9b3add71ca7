// pure
import type { ModuleId } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { ActiveModule } from './module-table.ts';

const count = shardCounters.at;

/**
 * Asks dnsserver for the module's route. `version` is that of the route that the shard knows, 0 = none. Urgent: a request waits for it;
 * otherwise the query may wait for others, so that many cross to the dns thread together.
 */
export type FetchRoute = (module: ModuleId, version: number, urgent: boolean) => void;

export interface RouteFetcherOptions {
  /** A route that was not confirmed for this long is stale: it is fetched again when its module is asked for next. */
  readonly updateTimeoutMs: number;
}

/** Decides when the shard asks for routes, and counts each time. */
export class RouteFetcher {
  readonly #updateTimeoutMs: number;
  readonly #fetchRoute: FetchRoute;
  readonly #counters: SharedCounters<ShardCounter>;

  constructor({ updateTimeoutMs }: RouteFetcherOptions, fetchRoute: FetchRoute, counters: SharedCounters<ShardCounter>) {
    this.#updateTimeoutMs = updateTimeoutMs;
    this.#fetchRoute = fetchRoute;
    this.#counters = counters;
  }

  /** Fetches now, because a request waits for the route or the dns thread is new and knows nothing of it. */
  fetchNow(module: ModuleId, version: number): void {
    this.#counters.add(count.routeFetches);
    this.#fetchRoute(module, version, true);
  }

  /** The module was asked for. */
  fetchIfStale(module: ActiveModule, nowMs: number): void {
    if (nowMs < module.staleAtMs) return;
    this.confirmRoute(module, nowMs);
    this.#counters.add(count.routeFetches);
    this.#fetchRoute(module, module.version, false);
  }

  /** The route is the newest one, or that is being asked: it is not stale for another period. */
  confirmRoute(module: ActiveModule, nowMs: number): void {
    module.staleAtMs = Math.ceil(nowMs + this.#updateTimeoutMs);
  }
}
