import { type RouteKey, routeKey } from '@lars/proto';
import type { Route, RouteDiff } from '../routes/route.ts';

/**
 * Changed routes on their way to their subscribers. After a change of very many modules they leave in portions, between which the
 * event loop sends what was queued and answers others; a route that changes again before its turn leaves once, in its last form.
 */
export class PushQueue {
  readonly #push: (key: RouteKey, route: Route) => number;
  readonly #waiting = new Map<RouteKey, Route>();
  #turn: NodeJS.Immediate | undefined;

  /** @param push sends a route to its subscribers and returns the number of bytes for the connections together */
  constructor(push: (key: RouteKey, route: Route) => number) {
    this.#push = push;
  }

  get length(): number {
    return this.#waiting.size;
  }

  add(diff: RouteDiff): void {
    for (const route of diff) this.#waiting.set(routeKey(route.modid, route.cmdid), route);
    if (this.#turn === undefined) this.#sendPortion();
  }

  stop(): void {
    clearImmediate(this.#turn);
    this.#waiting.clear();
  }

  #sendPortion(): void {
    let bytes = 0;
    let routes = 0;
    this.#turn = undefined;
    for (const [key, route] of this.#waiting) {
      if (bytes >= PORTION_BYTES || routes >= PORTION_ROUTES) {
        this.#turn = setImmediate(() => this.#sendPortion());
        return;
      }
      this.#waiting.delete(key);
      bytes += this.#push(key, route);
      routes += 1;
    }
  }
}

/** No more than a healthy peer's socket takes at once, should all of it be for one. */
const PORTION_BYTES = 128 * 1_024;
const PORTION_ROUTES = 2_000;
