// pure
import type { GetHostRequest, GetRouteRequest } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import { type ShardCounter, shardCounters } from '../counters.ts';
import type { ReplyTo } from './forwarding.ts';
import type { ModuleTable } from './module-table.ts';
import type { RouteFetcher } from './route-fetcher.ts';

const count = shardCounters.at;

/** A request that waits for the first route of its module, and where its answer goes. */
export type ParkedRequest =
  | { readonly kind: 'getHost'; readonly replyTo: ReplyTo; readonly request: GetHostRequest }
  | { readonly kind: 'getRoute'; readonly replyTo: ReplyTo; readonly request: GetRouteRequest };

/** Parks requests for modules that the shard does not know yet, and fetches the route for the first of each module. */
export class Parking {
  readonly #modules: ModuleTable<ParkedRequest>;
  readonly #fetcher: RouteFetcher;
  readonly #counters: SharedCounters<ShardCounter>;
  #isOpen = true;

  constructor(modules: ModuleTable<ParkedRequest>, fetcher: RouteFetcher, counters: SharedCounters<ShardCounter>) {
    this.#modules = modules;
    this.#fetcher = fetcher;
    this.#counters = counters;
  }

  /** @returns false when the request must be answered now: its module is absent, too many requests are parked, or the shard is stopping */
  park(parked: ParkedRequest, nowMs: number): boolean {
    const { modid, cmdid } = parked.request;
    if (!this.#isOpen || this.#modules.isAbsent(modid, cmdid, nowMs)) return false;
    const { isParked, mustFetch } = this.#modules.park(modid, cmdid, parked, nowMs);
    if (mustFetch) this.#fetcher.fetchNow(parked.request, 0);
    this.#counters.add(isParked ? count.parked : count.parkingRefused);
    return isParked;
  }

  /** Parks nothing from now on: the shard is stopping. */
  close(): void {
    this.#isOpen = false;
  }
}
