/**
 * Both ends of the workers' subscriptions: a worker asks main for the modules that its connections asked for, and main sends each
 * worker those modules and no other (docs/decisions/0007-dnsserver-workers.md).
 */
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import type { DnsserverCounter } from '../../counters.ts';
import type { Route } from '../../follow/route-table.ts';
import { EncodeQueue } from '../encode-queue.ts';
import type { EncodedRoute, RouteEncoder } from '../encoded-route.ts';
import type { RouteSource } from '../route-service.ts';
import type { MessageToWorker, SubscriptionChange } from './messages.ts';
import { packRoutes } from './route-pack.ts';

/** In the worker: subscribes at main. The changes of one tick of the event loop go in one message. */
export class RemoteRouteSource implements RouteSource {
  readonly #post: (changes: readonly SubscriptionChange[]) => void;
  #changes: SubscriptionChange[] = [];

  constructor(post: (changes: readonly SubscriptionChange[]) => void) {
    this.#post = post;
  }

  subscribe(module: ModuleId): EncodedRoute | undefined {
    this.#addChange(module, true);
    return undefined;
  }

  unsubscribe(module: ModuleId): void {
    this.#addChange(module, false);
  }

  #addChange({ modid, cmdid }: ModuleId, subscribes: boolean): void {
    if (this.#changes.length === 0) queueMicrotask(() => this.#postChanges());
    this.#changes.push({ modid, cmdid, subscribes });
  }

  #postChanges(): void {
    this.#post(this.#changes);
    this.#changes = [];
  }
}

export interface WorkerSubscriptionsDeps {
  readonly workers: number;
  readonly encoder: RouteEncoder;
  readonly counters: SharedCounters<DnsserverCounter>;
  readonly post: (worker: number, message: MessageToWorker) => void;
}

/** In main: sends a worker that subscribes the module as the table has it at that moment, and every later change behind that. */
export class WorkerSubscriptions {
  readonly #deps: WorkerSubscriptionsDeps;
  readonly #subscribers = new WorkerSets();
  readonly #queue: EncodeQueue;

  constructor(deps: WorkerSubscriptionsDeps) {
    const { encoder, counters } = deps;
    this.#deps = deps;
    this.#queue = new EncodeQueue({
      isSubscribed: key => this.#subscribers.isAny(key),
      encode: route => encoder.encodeRoute(route),
      deliver: (encoded, versionOnly) => this.#deliver(encoded, versionOnly),
      counters,
    });
  }

  /** Modules to which some worker is subscribed. */
  get moduleCount(): number {
    return this.#subscribers.size;
  }

  /** @param versionOnly see RouteServer.publish */
  publish(routes: readonly Route[], versionOnly: boolean): void {
    this.#queue.addRoutes(routes, versionOnly);
  }

  applyChanges(worker: number, changes: readonly SubscriptionChange[]): void {
    const routes: EncodedRoute[] = [];
    for (const { modid, cmdid, subscribes } of changes) {
      const key = routeKey(modid, cmdid);
      if (!subscribes) this.#subscribers.remove(key, worker);
      else {
        this.#subscribers.add(key, worker);
        routes.push(this.#deps.encoder.encodeModule({ modid, cmdid }));
      }
    }
    if (routes.length > 0) this.#deps.post(worker, { type: 'routes', routes: packRoutes(routes), versionOnly: false });
  }

  /** The worker has died and is subscribed to nothing any more. */
  dropWorker(worker: number): void {
    this.#subscribers.dropWorker(worker);
  }

  stop(): void {
    this.#queue.stop();
  }

  #deliver(routes: readonly EncodedRoute[], versionOnly: boolean): void {
    for (let worker = 0; worker < this.#deps.workers; worker++) {
      const subscribed = routes.filter(({ modid, cmdid }) => this.#subscribers.has(routeKey(modid, cmdid), worker));
      if (subscribed.length > 0) this.#deps.post(worker, { type: 'routes', routes: packRoutes(subscribed), versionOnly });
    }
  }
}

/** For each module the set of its workers: one bit for each worker. */
export class WorkerSets {
  readonly #masks = new Map<RouteKey, number>();

  /** Modules that have workers. */
  get size(): number {
    return this.#masks.size;
  }

  isAny(key: RouteKey): boolean {
    return this.#masks.has(key);
  }

  has(key: RouteKey, worker: number): boolean {
    return ((this.#masks.get(key) ?? 0) & (1 << worker)) !== 0;
  }

  add(key: RouteKey, worker: number): void {
    this.#masks.set(key, (this.#masks.get(key) ?? 0) | (1 << worker));
  }

  remove(key: RouteKey, worker: number): void {
    const rest = (this.#masks.get(key) ?? 0) & ~(1 << worker);
    if (rest === 0) this.#masks.delete(key);
    else this.#masks.set(key, rest);
  }

  dropWorker(worker: number): void {
    for (const key of this.#masks.keys()) this.remove(key, worker);
  }
}
