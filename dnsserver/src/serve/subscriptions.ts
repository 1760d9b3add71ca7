// pure
/** The modules that connections asked for: the route of each as far as it is known here, and who is sent its changes. */
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { FramedConnection } from '@lars/runtime/tcp/framed-connection';
import type { EncodedRoute } from './encoded-route.ts';

/** What serving routes needs of a connection. */
export type RouteConnection = Pick<FramedConnection, 'send' | 'queue' | 'flush' | 'pause' | 'resume' | 'destroy' | 'unsentBytes'>;

export interface SubscribedModule<Connection> extends ModuleId {
  readonly key: RouteKey;
  /** undefined until the route is known here. */
  route: EncodedRoute | undefined;
  /** Each subscriber with the features that it understands (Feature bits). */
  readonly subscribers: Map<Connection, number>;
}

export class RouteSubscriptions<Connection> {
  readonly #maxPerConnection: number;
  readonly #modules = new Map<RouteKey, SubscribedModule<Connection>>();
  readonly #byConnection = new Map<Connection, Set<SubscribedModule<Connection>>>();
  #count = 0;

  constructor(maxPerConnection: number) {
    this.#maxPerConnection = maxPerConnection;
  }

  get moduleCount(): number {
    return this.#modules.size;
  }

  /** Subscriptions of all connections together. */
  get count(): number {
    return this.#count;
  }

  countOf(connection: Connection): number {
    return this.#byConnection.get(connection)?.size ?? 0;
  }

  /** All that have subscriptions. */
  connections(): Iterable<Connection> {
    return this.#byConnection.keys();
  }

  get(key: RouteKey): SubscribedModule<Connection> | undefined {
    return this.#modules.get(key);
  }

  addModule({ modid, cmdid }: ModuleId): SubscribedModule<Connection> {
    const key = routeKey(modid, cmdid);
    const module: SubscribedModule<Connection> = { modid, cmdid, key, route: undefined, subscribers: new Map() };
    this.#modules.set(key, module);
    return module;
  }

  removeModule(module: SubscribedModule<Connection>): void {
    this.#modules.delete(module.key);
  }

  /**
   * From now on the connection is sent the module's changes. Where it is subscribed already, only its features are updated.
   * @returns false when the connection has as many subscriptions as it may have, and gets no other
   */
  subscribe(module: SubscribedModule<Connection>, connection: Connection, features: number): boolean {
    const known = module.subscribers.get(connection);
    if (known === features) return true;
    if (known === undefined && !this.#addTo(connection, module)) return false;
    module.subscribers.set(connection, features);
    return true;
  }

  /** The connection is closed. Returns the modules that have no subscribers now. */
  dropConnection(connection: Connection): SubscribedModule<Connection>[] {
    const modules = this.#byConnection.get(connection);
    if (modules === undefined) return [];
    this.#byConnection.delete(connection);
    this.#count -= modules.size;
    const unsubscribed: SubscribedModule<Connection>[] = [];
    for (const module of modules) {
      module.subscribers.delete(connection);
      if (module.subscribers.size === 0) unsubscribed.push(module);
    }
    return unsubscribed;
  }

  #addTo(connection: Connection, module: SubscribedModule<Connection>): boolean {
    const modules = this.#byConnection.get(connection) ?? new Set();
    if (modules.size >= this.#maxPerConnection) return false;
    this.#byConnection.set(connection, modules.add(module));
    this.#count += 1;
    return true;
  }
}
