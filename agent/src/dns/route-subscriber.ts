// pure
/**
 * The agent's side of the conversation with dnsserver: which routes are known, which queries are open, what is asked again after a
 * reconnect. It speaks through `send` and hands what it learns to `onRoute`; the link itself belongs to the shell (dns-thread.ts).
 */
import {
  decodeBody,
  encodeFrame,
  Feature,
  type GetRouteResponse,
  LarsProtocolError,
  MessageId,
  type ModuleId,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import type { SharedCounters } from '@lars/runtime/counters';
import { type DnsCounter, dnsCounters } from '../counters.ts';
import type { RouteQuery } from '../threads/messages.ts';
import { OpenQueries, type OpenQuery } from './open-queries.ts';
import { isUsableHost } from './usable-host.ts';

const count = dnsCounters.at;

/** What the agent understands of a route. */
const FEATURES = Feature.HostAddr | Feature.Drain;

export interface RouteSubscriberOptions {
  /** Limit of the queries for modules that may not exist and are open at a time. */
  readonly maxOpen: number;
  /** So many modules that do not exist may be subscribed to on one connection, ... */
  readonly maxAbsent: number;
  /** ... which is given up for that at most so often. */
  readonly minLinkMs: number;
  /** How long dnsserver may be silent while a query is open; after that the link is given up. */
  readonly answerTimeoutMs: number;
}

export interface RouteSubscriberDeps {
  readonly counters: SharedCounters<DnsCounter>;
  /** @returns false when the link is down */
  send(frame: Uint8Array): boolean;
  /** Did the module exist earlier, as far as the agent knows? */
  isStored(module: ModuleId): boolean;
  /** `body` is the answer as it came. */
  onResponse(response: GetRouteResponse, body: Uint8Array): void;
  /** Not called for a route that is the same as it was. */
  onRoute(response: GetRouteResponse): void;
}

export class RouteSubscriber {
  readonly #options: RouteSubscriberOptions;
  readonly #deps: RouteSubscriberDeps;
  /** Modules that have hosts, with the version of the known route: they are asked for again on every new connection. */
  readonly #known = new Map<RouteKey, RouteQuery>();
  readonly #open: OpenQueries;
  /** Modules that do not exist and were asked for on this connection, on which dnsserver would tell of them for ever. */
  readonly #absent = new Set<RouteKey>();
  #linkUpMs = 0;
  /** Since when an answer is due; undefined while none is. */
  #waitingSinceMs: number | undefined;

  constructor(options: RouteSubscriberOptions, deps: RouteSubscriberDeps) {
    this.#options = options;
    this.#deps = deps;
    const isReal = (module: ModuleId) => this.isKnown(module) || deps.isStored(module);
    this.#open = new OpenQueries(options.maxOpen, isReal, () => deps.counters.add(count.queriesRefused));
  }

  /** Was the module's route told or confirmed by dnsserver? Its changes are told too, while the link stands. */
  isKnown({ modid, cmdid }: ModuleId): boolean {
    return this.#known.has(routeKey(modid, cmdid));
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** A shard needs a module's route. The query is sent once until it is answered, and again when the answer is overdue. */
  query(query: RouteQuery, nowMs: number): void {
    const key = routeKey(query.modid, query.cmdid);
    const open = this.#open.get(key);
    if (open === undefined) {
      this.#send(this.#open.open(query), nowMs);
      return;
    }
    this.#open.touch(key);
    // A server may answer others and have lost this one.
    if (open.sentMs !== undefined && nowMs - open.sentMs > this.#options.answerTimeoutMs) this.#send(open, nowMs);
  }

  /**
   * Is the connection subscribed to too many modules that do not exist? dnsserver limits the subscriptions of a connection, and there is no
   * message that ends one: a new connection begins with the modules that exist. Those that do not are asked for again when somebody asks for them.
   */
  isOversubscribed(nowMs: number): boolean {
    return this.#absent.size >= this.#options.maxAbsent && nowMs - this.#linkUpMs >= this.#options.minLinkMs;
  }

  /** The connection is new, and dnsserver knows nothing of this agent: asks again for every route that is known or open, which subscribes. */
  onLinkUp(nowMs: number): void {
    this.#deps.counters.add(count.reconnects);
    this.#waitingSinceMs = undefined;
    this.#absent.clear();
    this.#linkUpMs = nowMs;
    for (const [key, query] of this.#known) {
      if (this.#open.get(key) === undefined) this.#open.open(query);
    }
    for (const query of this.#open.all()) this.#send(query, nowMs);
  }

  onLinkDown(): void {
    this.#waitingSinceMs = undefined;
    for (const query of this.#open.all()) query.sentMs = undefined;
  }

  /**
   * A shard's thread was replaced and knows no route: asks for its modules in full, as soon as the link stands.
   * @returns the modules
   */
  refetch(belongs: (module: ModuleId) => boolean, nowMs: number): readonly ModuleId[] {
    const all = new Map<RouteKey, RouteQuery>(this.#known);
    for (const query of this.#open.all()) all.set(routeKey(query.modid, query.cmdid), query);
    const refetched = [...all.values()].filter(belongs);
    for (const query of refetched) this.#send(this.#open.open({ ...query, version: 0 }), nowMs);
    return refetched;
  }

  /** @throws {LarsProtocolError} when the server sends no route: close the connection */
  onFrame(id: number, body: Uint8Array): void {
    this.#waitingSinceMs = undefined;
    try {
      if (id !== MessageId.GetRouteResponse) throw new LarsProtocolError('BAD_MESSAGE_ID', `dnsserver sent message id ${id}`);
      const response = decodeBody(MessageId.GetRouteResponse, body);
      this.#deps.onResponse(response, body);
      this.#onResponse(response);
    } catch (error) {
      this.#deps.counters.add(count.badFrames);
      throw error;
    }
  }

  /** Has the server been silent for too long while an answer is due? */
  isOverdue(nowMs: number): boolean {
    return this.#waitingSinceMs !== undefined && nowMs - this.#waitingSinceMs > this.#options.answerTimeoutMs;
  }

  #send(query: OpenQuery, nowMs: number): void {
    const { modid, cmdid, version } = query;
    const frame = encodeFrame(MessageId.GetRouteRequest, { modid, cmdid, version, features: FEATURES });
    if (!this.#deps.send(frame)) return;
    query.sentMs = nowMs;
    this.#deps.counters.add(count.requests);
    this.#waitingSinceMs ??= nowMs;
  }

  #onResponse(response: GetRouteResponse): void {
    const { modid, cmdid, version } = response;
    const key = routeKey(modid, cmdid);
    this.#deps.counters.add(response.notModified ? count.notModified : count.responses);
    const query = this.#open.get(key);
    this.#open.delete(key);
    if (response.notModified) {
      // After this thread was replaced it learns in this way which routes the shards know.
      if (query !== undefined && query.version !== this.#known.get(key)?.version)
        this.#known.set(key, { modid, cmdid, version: query.version });
      return;
    }
    const host = response.host.filter(isUsableHost);
    this.#deps.counters.add(count.hostsRefused, response.host.length - host.length);
    if (host.length === 0) {
      this.#known.delete(key);
      if (this.#absent.size < this.#options.maxAbsent) this.#absent.add(key);
    } else {
      this.#known.set(key, { modid, cmdid, version });
      this.#absent.delete(key);
    }
    this.#deps.onRoute({ ...response, host });
  }
}
