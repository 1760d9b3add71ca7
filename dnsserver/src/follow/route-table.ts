// pure
/** The routes that dnsserver serves: a map whose routes are immutable and which moves from one revision to the next as a whole. */
import { type RouteKey, routeKey } from '@lars/proto';
import type { Route, RouteDiff } from './route.ts';

/** What everybody but the table's owner sees of it. */
export interface RouteView {
  get(key: RouteKey): Route | undefined;
  readonly moduleCount: number;
  readonly hostCount: number;
  routes(): IterableIterator<[RouteKey, Route]>;
}

export class RouteTable implements RouteView {
  readonly #routes = new Map<RouteKey, Route>();
  #hostCount = 0;

  get(key: RouteKey): Route | undefined {
    return this.#routes.get(key);
  }

  get moduleCount(): number {
    return this.#routes.size;
  }

  get hostCount(): number {
    return this.#hostCount;
  }

  routes(): IterableIterator<[RouteKey, Route]> {
    return this.#routes.entries();
  }

  apply(diff: RouteDiff): void {
    for (const route of diff) {
      const key = routeKey(route.modid, route.cmdid);
      this.#hostCount += route.hosts.length - (this.#routes.get(key)?.hosts.length ?? 0);
      if (route.hosts.length === 0) this.#routes.delete(key);
      else this.#routes.set(key, route);
    }
  }
}
