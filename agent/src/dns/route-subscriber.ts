// pure
/**
 * The agent's side of the conversation with dnsserver: which routes are known, which queries are open, what is asked again after a
 * reconnect, or of another dnsserver. It speaks through `send` and hands what it learns to `onRoute`; the link itself belongs to the shell (dns-thread.ts).
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
import { DoubtedRemovals } from './doubted-removals.ts';
import { OpenQueries, type OpenQuery } from './open-queries.ts';
import { isUsableHost } from './usable-host.ts';

const count = dnsCounters.at;

/** What the agent understands of a route. */
const FEATURES = Feature.HostAddr | Feature.Drain;

/** This module is asked for where only a sign of life is wanted, and no other one can be asked for shortly. */
const ANY_MODULE: ModuleId = { modid: 0, cmdid: 0 };
const ANY_KEY = routeKey(ANY_MODULE.modid, ANY_MODULE.cmdid);

export interface RouteSubscriberOptions {
  /** How many dnsservers there are to choose from. */
  readonly servers: number;
  /** How long another dnsserver must say that a module has no hosts before that is believed. */
  readonly doubtMs: number;
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

/** A known route, and the server that told it. */
interface KnownRoute extends RouteQuery {
  readonly server: number;
}

export class RouteSubscriber {
  readonly #options: RouteSubscriberOptions;
  readonly #deps: RouteSubscriberDeps;
  /** Modules that have hosts, with the version of the known route: they are asked for again on every new connection. */
  readonly #known = new Map<RouteKey, KnownRoute>();
  readonly #open: OpenQueries;
  /** Modules that do not exist and were asked for on this connection, on which dnsserver would tell of them for ever. */
  readonly #absent = new Set<RouteKey>();
  readonly #doubted: DoubtedRemovals;
  /** The dnsserver that is asked. */
  #server = 0;
  #linkUpMs = 0;
  /** Something came since the last look for a sign of life, ... */
  #hasHeard = false;
  /** ... or then. */
  #quietSinceMs = 0;
  /** Since when an answer is due; undefined while none is. */
  #waitingSinceMs: number | undefined;

  constructor(options: RouteSubscriberOptions, deps: RouteSubscriberDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#doubted = new DoubtedRemovals(options.doubtMs);
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

  /**
   * The connection is new, and dnsserver knows nothing of this agent: asks again for every route that is known or open, which subscribes.
   * @param server which of the dnsservers it is
   */
  onLinkUp(nowMs: number, server = 0): void {
    this.#deps.counters.add(count.reconnects);
    this.#waitingSinceMs = undefined;
    this.#absent.clear();
    this.#doubted.clear();
    this.#server = server;
    this.#linkUpMs = nowMs;
    this.#quietSinceMs = nowMs;
    for (const [key, query] of this.#known) {
      if (this.#open.get(key) === undefined) this.#open.open(query);
    }
    for (const query of this.#open.all()) this.#send(query, nowMs);
  }

  /** Has the dnsserver that is asked told of every known module, so that the one before is needed no more? */
  get isCaughtUp(): boolean {
    for (const [key, { server }] of this.#known) if (server !== this.#server && !this.#doubted.has(key)) return false;
    return true;
  }

  /** A request that every dnsserver answers at once, on a new connection; it subscribes to nothing that will not be asked for anyway, where a module is known. */
  signOfLifeRequest(): Uint8Array {
    const [module = ANY_MODULE] = this.#known.values();
    return this.#request({ ...module, version: 0 });
  }

  /** Asks for a sign of life where dnsserver has said nothing for so long and nothing is asked. */
  askIfQuiet(nowMs: number, quietMs: number): void {
    if (this.#hasHeard) this.#quietSinceMs = nowMs;
    this.#hasHeard = false;
    if (this.#waitingSinceMs !== undefined || nowMs - this.#quietSinceMs < quietMs) return;
    const [known] = this.#known.values();
    // A server without versions would tell all of the route again, twice a second.
    const isShort = known !== undefined && known.version > 0 && known.server === this.#server;
    if (this.#deps.send(this.#request(isShort ? known : { ...ANY_MODULE, version: 0 }))) this.#waitingSinceMs = nowMs;
  }

  /** Call now and then: drops modules of which dnsserver says for long enough that they have no hosts. */
  checkDoubted(nowMs: number): void {
    for (const { response, body } of this.#doubted.takeBelieved(nowMs)) this.#learn(response, body, this.#server);
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

  /**
   * @param server which of the dnsservers has sent it: the one that is asked, or the one before, whose connection is still open
   * @throws {LarsProtocolError} when the server sends no route: close the connection
   */
  onFrame(id: number, body: Uint8Array, server = this.#server): void {
    try {
      if (id !== MessageId.GetRouteResponse) throw new LarsProtocolError('BAD_MESSAGE_ID', `dnsserver sent message id ${id}`);
      const response = decodeBody(MessageId.GetRouteResponse, body);
      if (server === this.#server) this.#onResponse(response, body);
      else this.#onResponseOfBefore(response, body, server);
    } catch (error) {
      this.#deps.counters.add(count.badFrames);
      throw error;
    }
  }

  /** Has the server been silent for too long while an answer is due? */
  isOverdue(nowMs: number, answerTimeoutMs = this.#options.answerTimeoutMs): boolean {
    return this.#waitingSinceMs !== undefined && nowMs - this.#waitingSinceMs > answerTimeoutMs;
  }

  #send(query: OpenQuery, nowMs: number): void {
    if (!this.#deps.send(this.#request(query))) return;
    query.sentMs = nowMs;
    this.#deps.counters.add(count.requests);
    this.#waitingSinceMs ??= nowMs;
  }

  /**
   * A version means something to the server alone that told it: another one may have the same number for another route. So it is asked for
   * the whole route.
   */
  #request({ modid, cmdid, version }: RouteQuery): Uint8Array {
    const known = this.#known.get(routeKey(modid, cmdid));
    const isItsOwn = known === undefined ? this.#options.servers === 1 : known.server === this.#server;
    return encodeFrame(MessageId.GetRouteRequest, { modid, cmdid, version: isItsOwn ? version : 0, features: FEATURES });
  }

  #onResponse(response: GetRouteResponse, body: Uint8Array): void {
    const { modid, cmdid, notModified } = response;
    const key = routeKey(modid, cmdid);
    this.#waitingSinceMs = undefined;
    this.#hasHeard = true;
    this.#deps.counters.add(notModified ? count.notModified : count.responses);
    const query = this.#open.get(key);
    this.#open.delete(key);
    const known = this.#known.get(key);
    if (notModified) {
      this.#deps.onResponse(response, body);
      // After this thread was replaced it learns in this way which routes the shards know.
      if (query !== undefined && query.version !== known?.version)
        this.#known.set(key, { modid, cmdid, version: query.version, server: this.#server });
    } else if (response.host.length === 0 && known !== undefined && known.server !== this.#server) {
      this.#doubted.add(key, { response, body: body.slice() });
    } else if (response.host.length > 0 || query !== undefined || key !== ANY_KEY) {
      this.#doubted.delete(key);
      this.#learn(response, body, this.#server);
    }
  }

  /** The one before still tells of changes; what the one that is asked now has said of a module is newer. */
  #onResponseOfBefore(response: GetRouteResponse, body: Uint8Array, server: number): void {
    if (response.notModified || this.#open.get(routeKey(response.modid, response.cmdid)) === undefined) return;
    this.#deps.counters.add(count.responses);
    this.#learn(response, body, server);
  }

  #learn(response: GetRouteResponse, body: Uint8Array, server: number): void {
    const { modid, cmdid, version } = response;
    const key = routeKey(modid, cmdid);
    this.#deps.onResponse(response, body);
    const host = response.host.filter(isUsableHost);
    this.#deps.counters.add(count.hostsRefused, response.host.length - host.length);
    if (host.length === 0) {
      this.#known.delete(key);
      if (this.#absent.size < this.#options.maxAbsent) this.#absent.add(key);
    } else {
      this.#known.set(key, { modid, cmdid, version, server });
      this.#absent.delete(key);
    }
    this.#deps.onRoute({ ...response, host });
  }
}
