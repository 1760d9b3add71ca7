import { routeKey } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import type { ModuleId, Route } from '../follow/route.ts';
import type { RouteView } from '../follow/route-table.ts';
import { type EncodedRoute, encodeRoute, encodeUnknown } from './encoded-route.ts';

/** Encodes routes of the table, and tells of those that do not fit into a frame. */
export class RouteEncoder {
  readonly #routes: RouteView;
  readonly #counters: CounterBank<DnsserverCounter>;
  readonly #log: Logger;

  constructor(routes: RouteView, counters: CounterBank<DnsserverCounter>, log: Logger) {
    this.#routes = routes;
    this.#counters = counters;
    this.#log = log;
  }

  /** The module as the table has it now. */
  find(module: ModuleId): EncodedRoute {
    const route = this.#routes.get(routeKey(module.modid, module.cmdid));
    return route === undefined ? encodeUnknown(module) : this.encode(route);
  }

  encode(route: Route): EncodedRoute {
    return encodeRoute(route, this.#onTruncated);
  }

  readonly #onTruncated = ({ modid, cmdid, hosts }: Route, leftOut: number): void => {
    this.#counters.add(dnsserverCounters.at.truncatedRoutes);
    this.#log.warn('a route does not fit into one message: its last hosts are left out', {
      modid,
      cmdid,
      hosts: hosts.length,
      leftOut,
    });
  };
}
