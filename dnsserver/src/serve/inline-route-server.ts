import type { Socket } from 'node:net';
import { FramedConnections } from '@lars/runtime/tcp/connection-set';
import type { Route } from '../follow/route.ts';
import { RouteFeed } from './encode-queue.ts';
import { RouteEncoder } from './route-encoder.ts';
import type { Front, FrontOptions } from './route-server.ts';
import { RouteService } from './route-service.ts';

const CLOSE_GRACE_MS = 200;

/** The main thread serves all connections itself. */
export class MainFront implements Front {
  readonly counters = [];
  readonly #connections: FramedConnections;
  readonly #service: RouteService;
  readonly #feed: RouteFeed;

  constructor({ routes, counters, log, clock, limits, maxSubscriptions }: FrontOptions) {
    const encoder = new RouteEncoder(routes, counters, log);
    this.#service = new RouteService({
      source: { follow: module => encoder.find(module), unfollow: () => {} },
      counters,
      maxSubscriptions,
    });
    this.#feed = new RouteFeed({
      isFollowed: key => this.#service.follows(key),
      encode: route => encoder.encode(route),
      deliver: (encoded, quiet) => this.#service.update(encoded, quiet),
      counters,
    });
    this.#connections = new FramedConnections({ limits, log, clock }, this.#service);
  }

  async start(): Promise<void> {}

  adopt(socket: Socket): void {
    this.#connections.adopt(socket);
  }

  publish(routes: readonly Route[], quiet: boolean): void {
    this.#feed.add(routes, quiet);
  }

  get connections(): readonly number[] {
    return [this.#connections.open.size];
  }

  get subscriptions(): number {
    return this.#service.subscriptionCount;
  }

  get tcpCounters(): Front['tcpCounters'] {
    return [this.#connections.counters];
  }

  async killWorker(): Promise<void> {}

  async close(): Promise<void> {
    this.#feed.stop();
    this.#service.stop();
    await this.#connections.close(CLOSE_GRACE_MS);
  }
}
