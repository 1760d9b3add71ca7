import { LarsProtocolError, MessageId, type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import type { FramedServerHandler } from '@lars/runtime/tcp/connection-set';
import type { DnsserverConfig } from '../config.ts';
import { type DnsserverCounter, dnsserverCounters } from '../counters.ts';
import { answerFrame, type EncodedRoute } from './encoded-route.ts';
import { MemoryLimit, type MemoryLimits } from './memory-limit.ts';
import { ParkedRequests } from './parked-requests.ts';
import { PushQueue } from './push-queue.ts';
import { RouteRequest } from './route-request.ts';
import { type RouteConnection, RouteSubscriptions, type SubscribedModule } from './subscriptions.ts';

/** Where the service gets its routes from. */
export interface RouteSource {
  /**
   * Somebody asks for the module: from now on RouteService.updateRoutes is called with its changes.
   * @returns the route, or undefined when `updateRoutes` will soon be called with that too
   */
  subscribe(module: ModuleId): EncodedRoute | undefined;
  /** Nobody is subscribed to the module any more. */
  unsubscribe(module: ModuleId): void;
}

export interface RouteServiceDeps {
  readonly source: RouteSource;
  readonly counters: SharedCounters<DnsserverCounter>;
  readonly tcp: Pick<DnsserverConfig['tcp'], 'max_subscriptions'>;
  readonly memory: MemoryLimits;
  /** Called when the number of subscriptions may have changed. */
  readonly onSubscriptions?: (count: number) => void;
}

const { at } = dnsserverCounters;

type Module = SubscribedModule<RouteConnection>;

/**
 * Answers GetRouteRequest, and pushes every change of a route to the connections that asked for it. It keeps the encoded answers
 * of exactly the modules to which somebody is subscribed.
 */
export class RouteService implements FramedServerHandler {
  readonly #deps: RouteServiceDeps;
  readonly #counters: SharedCounters<DnsserverCounter>;
  readonly #subscriptions: RouteSubscriptions<RouteConnection>;
  readonly #parked = new ParkedRequests((route, answer) => this.#countAnswer(route, answer));
  readonly #queue = new PushQueue((pushes, connections) => this.#onPushed(pushes, connections));
  readonly #memory: MemoryLimit<RouteConnection>;
  readonly #request = new RouteRequest();
  #isStopped = false;

  constructor(deps: RouteServiceDeps) {
    this.#deps = deps;
    this.#counters = deps.counters;
    this.#subscriptions = new RouteSubscriptions(deps.tcp.max_subscriptions);
    this.#memory = newMemoryLimit(deps.memory, this.#subscriptions, this.#parked);
  }

  get subscriptionCount(): number {
    return this.#subscriptions.count;
  }

  /** Whether anybody is to be sent the module's changes. */
  isSubscribed(key: RouteKey): boolean {
    return this.#subscriptions.get(key) !== undefined;
  }

  /** @throws {LarsProtocolError} for every message but a well-formed GetRouteRequest; the connection is closed for it */
  onFrame(connection: RouteConnection, id: number, body: Uint8Array): void {
    this.onFrameInPlace(connection, id, body, 0, body.length);
  }

  /** As onFrame. */
  onFrameInPlace(connection: RouteConnection, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id !== MessageId.GetRouteRequest)
      throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not spoken on dnsserver's port`);
    this.#counters.add(at.requests);
    const request = this.#request;
    request.read(bytes, from, to);
    const { version, features } = request;
    const module = this.#subscriptions.get(routeKey(request.modid, request.cmdid)) ?? this.#addModule(request);
    const isNew = this.#subscribe(connection, module, features);
    const { route } = module;
    if (route === undefined || this.#parked.mustPark(connection)) {
      this.#parked.park(connection, { module, version, features });
      this.#memory.check(connection);
      return;
    }
    const answer = answerFrame(route, version, features);
    connection.send(answer);
    this.#countAnswer(route, answer);
    this.#removeUnsubscribed(module);
    if (isNew) this.#memory.check(connection);
    else this.#memory.checkAnswered(connection);
  }

  onClose(connection: RouteConnection): void {
    // Millions of subscriptions need not be undone one by one when all of them go.
    if (this.#isStopped) return;
    this.#parked.dropConnection(connection);
    this.#memory.drop(connection);
    for (const module of this.#subscriptions.dropConnection(connection)) this.#removeUnsubscribed(module);
    this.#deps.onSubscriptions?.(this.#subscriptions.count);
  }

  /**
   * Applies routes from the source; a version that is known already changes nothing.
   * @param versionOnly the hosts are the known ones under a higher version: no subscriber needs to be sent it
   */
  updateRoutes(routes: readonly EncodedRoute[], versionOnly = false): void {
    const changed: Module[] = [];
    const learnt: Module[] = [];
    for (const route of routes) {
      const module = this.#subscriptions.get(routeKey(route.modid, route.cmdid));
      if (module === undefined || module.route?.version === route.version) continue;
      (module.route === undefined ? learnt : changed).push(module);
      this.#memory.changeRoute(module.route, route);
      module.route = route;
    }
    if (learnt.length > 0) this.#parked.answerKnown();
    for (const module of learnt) this.#removeUnsubscribed(module);
    if (!versionOnly) this.#queue.pushChanges(changed);
  }

  stop(): void {
    this.#isStopped = true;
    this.#queue.stop();
  }

  #addModule(id: ModuleId): Module {
    const module = this.#subscriptions.addModule(id);
    module.route = this.#deps.source.subscribe(module);
    this.#memory.changeRoute(undefined, module.route);
    return module;
  }

  /** @returns whether the connection has one subscription more */
  #subscribe(connection: RouteConnection, module: Module, features: number): boolean {
    const before = this.#subscriptions.count;
    if (!this.#subscriptions.subscribe(module, connection, features)) this.#counters.add(at.subscriptionsRefused);
    const after = this.#subscriptions.count;
    if (after === before) return false;
    this.#deps.onSubscriptions?.(after);
    return true;
  }

  #onPushed(pushes: number, connections: Iterable<RouteConnection>): void {
    this.#counters.add(at.pushes, pushes);
    for (const connection of connections) this.#memory.check(connection);
  }

  #countAnswer(route: EncodedRoute, answer: Uint8Array): void {
    this.#counters.add(at.answers);
    if (route.hostCount === 0) this.#counters.add(at.unknownModule);
    else if (answer === route.notModified) this.#counters.add(at.notModified);
  }

  /** A module whose route is not known yet stays until the route comes, because parked requests wait for it. */
  #removeUnsubscribed(module: Module): void {
    if (module.route === undefined || module.subscribers.size > 0 || this.#subscriptions.get(module.key) !== module) return;
    this.#subscriptions.removeModule(module);
    this.#memory.changeRoute(module.route, undefined);
    this.#deps.source.unsubscribe(module);
  }
}

function newMemoryLimit(
  limits: MemoryLimits,
  subscriptions: RouteSubscriptions<RouteConnection>,
  parked: ParkedRequests,
): MemoryLimit<RouteConnection> {
  return new MemoryLimit(limits, {
    subscriptionsOf: connection => subscriptions.countOf(connection),
    get subscriptions() {
      return subscriptions.count;
    },
    get modules() {
      return subscriptions.moduleCount;
    },
    connections: () => subscriptions.connections(),
    parkedOf: connection => parked.countOf(connection),
    backlogOf: connection => connection.unsentBytes,
    close: (connection, why) => connection.destroy('too_much_memory', new Error(why)),
  });
}
