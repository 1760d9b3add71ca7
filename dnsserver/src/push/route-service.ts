import { decodeBody, type GetRouteRequest, LarsProtocolError, MessageId, type RouteKey, routeKey } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { FramedConnection } from '@lars/runtime/tcp/framed-connection';
import type { FramedServerHandler } from '@lars/runtime/tcp/framed-server';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import type { Route, RouteDiff } from '../routes/route.ts';
import type { RouteView } from '../routes/route-table.ts';
import { PushQueue } from './push-queue.ts';
import { noHostsFrame, notModifiedFrame, RouteAnswers } from './route-answers.ts';
import { Subscriptions } from './subscriptions.ts';

/** What the service needs of a connection. */
export type RoutePeer = Pick<FramedConnection, 'send'>;

export interface RouteServiceOptions {
  readonly routes: RouteView;
  readonly counters: CounterBank<DnsserverCounter>;
  readonly maxSubscriptions: number;
  readonly log: Logger;
}

const { at } = dnsserverCounters;

/** Answers GetRouteRequest from the routes held, and pushes every change of a route to the connections that asked for it. */
export class RouteService implements FramedServerHandler {
  readonly #options: RouteServiceOptions;
  readonly #subscriptions: Subscriptions<RoutePeer>;
  readonly #answers: RouteAnswers;
  readonly #queue = new PushQueue((key, route) => this.#push(key, route));

  constructor(options: RouteServiceOptions) {
    this.#options = options;
    this.#subscriptions = new Subscriptions(options.maxSubscriptions);
    this.#answers = new RouteAnswers((route, leftOut) => this.#onTruncated(route, leftOut));
  }

  get subscriptionCount(): number {
    return this.#subscriptions.count;
  }

  /** @throws {LarsProtocolError} for every message but a well-formed GetRouteRequest; the connection is closed for it */
  onFrame(peer: RoutePeer, id: number, body: Uint8Array): void {
    if (id !== MessageId.GetRouteRequest)
      throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not spoken on dnsserver's port`);
    this.#options.counters.add(at.requests);
    const request = decodeBody(MessageId.GetRouteRequest, body);
    const key = routeKey(request.modid, request.cmdid);
    if (!this.#subscriptions.subscribe(peer, key, request.features)) this.#options.counters.add(at.subscriptionsRefused);
    peer.send(this.#answer(request, key));
    this.#options.counters.add(at.answers);
  }

  onClose(peer: RoutePeer): void {
    this.#subscriptions.forget(peer);
  }

  /** Tells the subscribers; `routes` holds the change already. */
  publish(diff: RouteDiff): void {
    this.#queue.add(diff);
  }

  stop(): void {
    this.#queue.stop();
  }

  #answer(request: GetRouteRequest, key: RouteKey): Uint8Array {
    const route = this.#options.routes.get(key);
    if (route === undefined) {
      this.#options.counters.add(at.unknownModule);
      return noHostsFrame(request);
    }
    if (request.version !== route.version || route.local) return this.#answers.frame(key, route, request.features);
    this.#options.counters.add(at.notModified);
    return notModifiedFrame(route);
  }

  #push(key: RouteKey, route: Route): number {
    let bytes = 0;
    let pushes = 0;
    const gone = route.hosts.length === 0 ? noHostsFrame(route, route.version) : undefined;
    for (const { peer, features } of this.#subscriptions.of(key)) {
      const frame = gone ?? this.#answers.frame(key, route, features);
      if (!peer.send(frame)) continue;
      bytes += frame.length;
      pushes += 1;
    }
    if (gone !== undefined) this.#answers.forget(route);
    this.#options.counters.add(at.pushes, pushes);
    this.#options.counters.add(at.pushedModules);
    return bytes;
  }

  #onTruncated({ modid, cmdid, hosts }: Route, leftOut: number): void {
    this.#options.counters.add(at.truncatedRoutes);
    this.#options.log.warn('a route does not fit into one message: its last hosts are left out', {
      modid,
      cmdid,
      hosts: hosts.length,
      leftOut,
    });
  }
}
