// pure
/**
 * Answers route queries from the routes that the agent knew earlier, while dnsserver does not: it is away, or hangs. Such a route is old until
 * dnsserver has been asked and has answered, and what it answers replaces it.
 */
import {
  decodeBody,
  type GetRouteResponse,
  type HostInfo,
  LarsProtocolError,
  MessageId,
  type ModuleId,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import type { RouteUpdate } from '../threads/messages.ts';
import type { RouteLog } from './route-log.ts';
import { isUsableHost } from './usable-host.ts';

/** How long dnsserver has, while the link stands, before the old route is taken: less than requests are parked for by default. */
const PATIENCE_MS = 50;

/** So many bytes of routes are decoded in one slice, some ten thousand hosts. */
const SLICE_BYTES = 262_144;

export interface StoredRoutesDeps {
  /** When dnsserver has confirmed the module's route for the last time, unix ms, or earlier. */
  confirmedAtMs(module: ModuleId): number;
  onRoute(update: RouteUpdate): void;
  /** What was promised turns out to be no route. */
  onNone(module: ModuleId): void;
}

interface Waiting extends ModuleId {
  readonly dueMs: number;
}

export class StoredRoutes {
  readonly #log: RouteLog;
  readonly #deps: StoredRoutesDeps;
  readonly #waiting = new Map<RouteKey, Waiting>();

  constructor(log: RouteLog, deps: StoredRoutesDeps) {
    this.#log = log;
    this.#deps = deps;
  }

  has(module: ModuleId): boolean {
    return this.#log.has(module);
  }

  /** A shard knows no route of the module. @returns whether it will be told one, by dnsserver or from here */
  query({ modid, cmdid }: ModuleId, isLinkUp: boolean, nowMs: number): boolean {
    const key = routeKey(modid, cmdid);
    if (this.#waiting.has(key)) return true;
    if (!this.#log.has({ modid, cmdid })) return false;
    this.#waiting.set(key, { modid, cmdid, dueMs: isLinkUp ? nowMs + PATIENCE_MS : nowMs });
    return true;
  }

  /** dnsserver has answered. */
  onResponse({ modid, cmdid, host, notModified }: GetRouteResponse, body: Uint8Array): void {
    // "Not modified" is no route: it answers an earlier query, of a shard that was replaced since.
    if (notModified) return;
    this.#waiting.delete(routeKey(modid, cmdid));
    this.#log.put({ modid, cmdid }, body, host.length > 0);
  }

  /** No answer comes over this link any more. */
  onLinkDown(): void {
    for (const [key, { modid, cmdid }] of this.#waiting) this.#waiting.set(key, { modid, cmdid, dueMs: 0 });
  }

  /** Answers some of the queries that are due. @returns when to call it again; undefined while no query waits */
  answerDue(nowMs: number): number | undefined {
    let bytes = 0;
    for (const [key, query] of this.#waiting) {
      if (query.dueMs > nowMs || bytes >= SLICE_BYTES) return query.dueMs;
      this.#waiting.delete(key);
      bytes += this.#answer(query);
    }
    return undefined;
  }

  #answer({ modid, cmdid }: ModuleId): number {
    const body = this.#log.body({ modid, cmdid });
    const hosts = body === undefined ? [] : hostsOf(body, { modid, cmdid });
    // The version is left out, so that dnsserver tells the route anew, whatever it was.
    if (hosts.length > 0) {
      const storedAtMs = this.#deps.confirmedAtMs({ modid, cmdid });
      this.#deps.onRoute({ modid, cmdid, hosts, version: 0, storedAtMs });
    } else this.#deps.onNone({ modid, cmdid });
    return body?.length ?? 0;
  }
}

/** None where the file is whole, but no agent of ours has written it. */
function hostsOf(body: Uint8Array, { modid, cmdid }: ModuleId): readonly HostInfo[] {
  const route = decodeRoute(body);
  if (route === undefined || route.modid !== modid || route.cmdid !== cmdid) return [];
  return route.host.filter(isUsableHost);
}

function decodeRoute(body: Uint8Array): GetRouteResponse | undefined {
  try {
    return decodeBody(MessageId.GetRouteResponse, body);
  } catch (error) {
    if (error instanceof LarsProtocolError) return undefined;
    throw error;
  }
}
