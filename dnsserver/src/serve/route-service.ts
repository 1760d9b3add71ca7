import { LarsProtocolError, MessageId, type RouteKey, routeKey } from '@lars/proto';
import type { CounterBank } from '@lars/runtime/counters';
import type { FramedServerHandler } from '@lars/runtime/tcp/framed-server';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import type { ModuleId } from '../follow/route.ts';
import { answerOf, type EncodedRoute } from './encoded-route.ts';
import { HeldRequests } from './parked-requests.ts';
import { PushQueue } from './push-queue.ts';
import type { RoutePeer } from './route-peer.ts';
import { RouteRequest } from './route-request.ts';
import { type Topic, Topics } from './subscriptions.ts';

/** Where the service learns of routes. */
export interface RouteSource {
  /**
   * Somebody asks for the module: from now on RouteService.update tells of its changes.
   * @returns the route, or undefined when `update` will tell that too, soon
   */
  follow(module: ModuleId): EncodedRoute | undefined;
  /** Nobody is left who would hear of the module's changes. */
  unfollow(module: ModuleId): void;
}

export interface RouteServiceOptions {
  readonly source: RouteSource;
  readonly counters: CounterBank<DnsserverCounter>;
  readonly maxSubscriptions: number;
  /** Told when the number of subscriptions may have changed. */
  readonly onSubscriptions?: (count: number) => void;
}

const { at } = dnsserverCounters;

/**
 * Answers GetRouteRequest, and pushes every change of a route to the connections that asked for it. It holds the encoded answers
 * of exactly the modules to which somebody is subscribed.
 */
export class RouteService implements FramedServerHandler {
  readonly #options: RouteServiceOptions;
  readonly #counters: CounterBank<DnsserverCounter>;
  readonly #topics: Topics<RoutePeer>;
  readonly #held = new HeldRequests((route, answer) => this.#count(route, answer));
  readonly #queue = new PushQueue(pushes => this.#counters.add(at.pushes, pushes));
  readonly #request = new RouteRequest();

  constructor(options: RouteServiceOptions) {
    this.#options = options;
    this.#counters = options.counters;
    this.#topics = new Topics(options.maxSubscriptions);
  }

  get subscriptionCount(): number {
    return this.#topics.subscriptions;
  }

  /** Is there anybody whom a change of the module concerns? */
  follows(key: RouteKey): boolean {
    return this.#topics.get(key) !== undefined;
  }

  /** @throws {LarsProtocolError} for every message but a well-formed GetRouteRequest; the connection is closed for it */
  onFrame(peer: RoutePeer, id: number, body: Uint8Array): void {
    if (id !== MessageId.GetRouteRequest)
      throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not spoken on dnsserver's port`);
    this.#counters.add(at.requests);
    const request = this.#request;
    request.read(body);
    const { version, features } = request;
    const topic = this.#topics.get(routeKey(request.modid, request.cmdid)) ?? this.#open(request);
    this.#subscribe(peer, topic, features);
    const { route } = topic;
    if (route === undefined || this.#held.has(peer)) {
      this.#held.hold(peer, { topic, version, features });
      return;
    }
    const answer = answerOf(route, version, features);
    peer.send(answer);
    this.#count(route, answer);
    this.#closeIfDeserted(topic);
  }

  onClose(peer: RoutePeer): void {
    this.#held.forget(peer);
    for (const topic of this.#topics.forget(peer)) this.#closeIfDeserted(topic);
    this.#options.onSubscriptions?.(this.#topics.subscriptions);
  }

  /**
   * Takes over what the source tells; a version that is held already changes nothing.
   * @param quiet the hosts are those held before under a lower version: nobody needs to hear of it
   */
  update(routes: readonly EncodedRoute[], quiet = false): void {
    const changed: Topic<RoutePeer>[] = [];
    const learnt: Topic<RoutePeer>[] = [];
    for (const route of routes) {
      const topic = this.#topics.get(routeKey(route.modid, route.cmdid));
      if (topic === undefined || topic.route?.version === route.version) continue;
      (topic.route === undefined ? learnt : changed).push(topic);
      topic.route = route;
    }
    if (learnt.length > 0) this.#held.release();
    for (const topic of learnt) this.#closeIfDeserted(topic);
    if (!quiet) this.#queue.add(changed);
  }

  stop(): void {
    this.#queue.stop();
  }

  #open(module: ModuleId): Topic<RoutePeer> {
    const topic = this.#topics.open(module);
    topic.route = this.#options.source.follow(topic);
    return topic;
  }

  #subscribe(peer: RoutePeer, topic: Topic<RoutePeer>, features: number): void {
    const before = this.#topics.subscriptions;
    if (!this.#topics.subscribe(topic, peer, features)) this.#counters.add(at.subscriptionsRefused);
    const after = this.#topics.subscriptions;
    if (after !== before) this.#options.onSubscriptions?.(after);
  }

  #count(route: EncodedRoute, answer: Uint8Array): void {
    this.#counters.add(at.answers);
    if (route.hostCount === 0) this.#counters.add(at.unknownModule);
    else if (answer === route.notModified) this.#counters.add(at.notModified);
  }

  /** One whose route is still to come is closed when it has come: requests wait for it. */
  #closeIfDeserted(topic: Topic<RoutePeer>): void {
    if (topic.route === undefined || topic.subscribers.size > 0 || this.#topics.get(topic.key) !== topic) return;
    this.#topics.close(topic);
    this.#options.source.unfollow(topic);
  }
}
