import type { LinkSecurity } from '@lars/runtime/security/link-security';
import type { LinkGuards } from '@lars/runtime/security/load-link-guards';
import { ConnectionSet } from '@lars/runtime/tcp/connection-set';
import type { ByteConnection } from '@lars/runtime/transport/byte-connection';
import type { Route } from '../follow/route-table.ts';
import { EncodeQueue } from './encode-queue.ts';
import { RouteEncoder } from './encoded-route.ts';
import {
  CLOSE_GRACE_MS,
  connectionLimits,
  memoryLimits,
  QUIET_MS,
  type RouteServer,
  type RouteServerDeps,
} from './route-server.ts';
import { RouteService } from './route-service.ts';

/** The main thread serves all connections itself. */
export class InlineRouteServer implements RouteServer {
  readonly counters = [];
  readonly #connections: ConnectionSet;
  readonly #service: RouteService;
  readonly #queue: EncodeQueue;
  readonly #guards: LinkGuards;

  constructor({ tcp, routes, counters, log, clock, guards }: RouteServerDeps) {
    this.#guards = guards;
    const encoder = new RouteEncoder(routes, counters, log);
    this.#service = new RouteService({
      source: { subscribe: module => encoder.encodeModule(module), unsubscribe: () => {} },
      counters,
      tcp,
      memory: memoryLimits(tcp, 1),
    });
    this.#queue = new EncodeQueue({
      isSubscribed: key => this.#service.isSubscribed(key),
      encode: route => encoder.encodeRoute(route),
      deliver: (encoded, versionOnly) => this.#service.updateRoutes(encoded, versionOnly),
      counters,
    });
    this.#connections = new ConnectionSet(
      { limits: connectionLimits(tcp), log, clock, newGuard: guards.newGuard },
      this.#service,
    );
  }

  async start(): Promise<void> {}

  makeRoom(): boolean {
    return this.#connections.closeQuietest(QUIET_MS);
  }

  setSecurity(security: LinkSecurity): void {
    this.#guards.setSecurity(security);
  }

  serve(connection: ByteConnection): void {
    this.#connections.serve(connection);
  }

  publish(routes: readonly Route[], versionOnly: boolean): void {
    this.#queue.addRoutes(routes, versionOnly);
  }

  get connections(): readonly number[] {
    return [this.#connections.servedCount];
  }

  get subscriptions(): number {
    return this.#service.subscriptionCount;
  }

  get tcpCounters(): RouteServer['tcpCounters'] {
    return [this.#connections.counters];
  }

  async killWorker(): Promise<void> {}

  async close(): Promise<void> {
    this.#queue.stop();
    this.#service.stop();
    await this.#connections.close(CLOSE_GRACE_MS);
  }
}
