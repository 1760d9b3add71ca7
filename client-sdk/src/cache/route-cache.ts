// pure
import { type GetRouteResponse, type HostAddress, type RouteKey, routeKey } from '@lars/proto';
import { Xorshift32 } from '@lars/proto/prng';
import type { LarsHost } from '../lars-host.ts';
import type { CacheCounts } from '../stats.ts';
import { CachedModule, type ModuleDeps } from './cached-module.ts';
import type { HostStats } from './host-stats.ts';
import { recordPick } from './pick-record.ts';
import type { CopiedHost } from './route-copy.ts';

/** How often `onTime` must be called. A success waits this long at most until it is sent to the agent. */
export const FLUSH_INTERVAL_MS = 100;
/** Modules that send their results at once. More are seen to in slices of a flush interval, or the agent's socket could not take them. */
const MODULES_PER_SLICE = 64;
const MAX_SLICES = 10;

/** How a cache is limited, and what it is for. */
export interface CacheSettings {
  /** Modules that are cached at most: each of them costs a copy of its route. */
  readonly maxModules: number;
  /** Hosts in all copies at most: each of them costs some 750 bytes, and is seen to every two seconds. */
  readonly maxHosts: number;
  /** Whether copies are picked from while the agent is there; without that they are kept for its absence alone. */
  readonly picksFromCopies: boolean;
  /** Copies of modules that are not called any more, which are kept for the agent's absence. */
  readonly maxUnused: number;
  /** The caller's own zone, preferred while the agent is away; empty: zones do not matter. */
  readonly zone: string;
}

/** What a client with `cache: true` has. */
export const FULL_CACHE: CacheSettings = {
  maxModules: 10_000,
  maxHosts: 100_000,
  picksFromCopies: true,
  maxUnused: 1_000,
  zone: '',
};
/** What a client with `cache: false` has, for the agent's absence. */
export const ABSENCE_CACHE: CacheSettings = {
  maxModules: 1_000,
  maxHosts: 10_000,
  picksFromCopies: false,
  maxUnused: 1_000,
  zone: '',
};

/** What a cache needs. None of these functions may call the cache, or a module, before it returns. */
export interface CacheDeps extends Pick<ModuleDeps, 'sendBatch' | 'queryRoute'> {
  /** There was a failure: `refreshAfterFailures` must be called at the end of this tick of the event loop. */
  scheduleFailureRefresh(): void;
  /** `refreshRateLimited` must be called in MIN_REFRESH_GAP_MS. */
  scheduleRefresh(): void;
  /** A module is picked from its copy from now on: requests that were not sent yet need not be. */
  onOpened?: (module: CachedModule) => void;
  /** Whether the client must do without the agent for this module: never, where that is left out. */
  isAgentAway?: (modid: number, cmdid: number) => boolean;
  /** Whether the agent's server of this module answers nothing: never, where that is left out. */
  isAgentGone?: (modid: number, cmdid: number) => boolean;
}

const NEVER = () => false;

/**
 * Copies of the routes of the modules that a client calls, to pick from while the agent does not have to. It has no clock and no timer: its
 * owner says what time it is.
 */
export class RouteCache {
  readonly #random: Xorshift32;
  readonly #settings: CacheSettings;
  readonly #modules = new Map<RouteKey, CachedModule>();
  /** Modules that nobody calls any more, the longest unused first. */
  readonly #unused = new Map<RouteKey, CachedModule>();
  /** Modules with a failure in this tick of the event loop. */
  readonly #failed = new Set<CachedModule>();
  /** Modules whose route must be queried, but was queried only just now. */
  readonly #rateLimited = new Set<CachedModule>();
  readonly #deps: ModuleDeps;
  /** The module that was used last: most programs call the same module many times in a row. */
  #last: CachedModule | undefined;
  #picks = 0;
  #alonePicks = 0;
  #refused = 0;
  #copiedHosts = 0;
  #added = 0;

  /** @param random uniform in [0, 1); called once */
  constructor(deps: CacheDeps, random: () => number, settings: Partial<CacheSettings> = {}) {
    this.#random = new Xorshift32(random);
    this.#settings = { ...FULL_CACHE, ...settings };
    const { maxHosts, picksFromCopies, zone } = this.#settings;
    this.#deps = {
      sendBatch: (modid, cmdid, results) => deps.sendBatch(modid, cmdid, results),
      queryRoute: (module, version) => deps.queryRoute(module, version),
      scheduleFailureRefresh: module => {
        if (this.#failed.size === 0) deps.scheduleFailureRefresh();
        this.#failed.add(module);
      },
      scheduleRefresh: module => {
        if (this.#rateLimited.size === 0) deps.scheduleRefresh();
        this.#rateLimited.add(module);
      },
      hasRoomFor: hosts => {
        while (this.#copiedHosts + hosts > maxHosts && this.#unused.size > 0) this.#dropUnused();
        return this.#copiedHosts + hosts <= maxHosts;
      },
      addHosts: hosts => {
        this.#copiedHosts += hosts;
      },
      onOpened: module => deps.onOpened?.(module),
      isAgentAway: deps.isAgentAway ?? NEVER,
      isAgentGone: deps.isAgentGone ?? NEVER,
      picksFromCopies,
      zone,
    };
  }

  /** Whether `onTime` has nothing to do. */
  get isEmpty(): boolean {
    return this.#modules.size === 0;
  }

  get counts(): CacheCounts {
    let copies = 0;
    let unsent = 0;
    for (const module of this.#modules.values()) {
      if (module.isUsable) copies += 1;
      unsent += module.unsentCount;
    }
    const cacheFull = this.#settings.picksFromCopies ? this.#refused : 0;
    return { copyPicks: this.#picks, cacheFull, copies, held: unsent };
  }

  /** Hosts that were picked from copies because the agent was away. */
  get alonePicks(): number {
    return this.#alonePicks;
  }

  /** A host from a copy; undefined when the agent must be asked. */
  pick(modid: number, cmdid: number): CopiedHost | undefined {
    const last = this.#last;
    const module = last !== undefined && last.modid === modid && last.cmdid === cmdid ? last : this.#find(modid, cmdid);
    const picked = module?.pick();
    if (picked !== undefined) this.#picks += 1;
    else if (module !== undefined) return this.#countAlone(module.pickAlone());
    return picked;
  }

  /** A host for a request that the agent has not answered; undefined where there is no copy. */
  pickUnasked(modid: number, cmdid: number, nowMs: number): CopiedHost | undefined {
    return this.#countAlone(this.#findOrWake(modid, cmdid, nowMs)?.pickUnasked());
  }

  /** Whether there is a copy to pick from while the agent is away. */
  hasCopy(modid: number, cmdid: number): boolean {
    const key = routeKey(modid, cmdid);
    return (this.#modules.get(key) ?? this.#unused.get(key))?.hasCopy === true;
  }

  /** Takes a route from elsewhere, to pick from while the agent is away. */
  onForeignRoute(route: GetRouteResponse, nowMs: number): void {
    this.#add(route.modid, route.cmdid, nowMs)?.onForeignRoute(route);
  }

  /** To be called before the agent is asked for a host. */
  beforeAgentPick(modid: number, cmdid: number, nowMs: number): void {
    const module = this.#add(modid, cmdid, nowMs);
    if (module === undefined) this.#refused += 1;
    else module.beforeAgentPick(nowMs);
  }

  /** The agent has picked this host. */
  onAgentPick(host: LarsHost, nowMs: number): void {
    const module = this.#find(host.modid, host.cmdid);
    if (module === undefined) recordPick(host, 'agent', undefined);
    else module.onAgentPick(host, nowMs);
  }

  /** What is known of a host that the client may pick from a copy; undefined while the agent picks, or where the copy has no such host. */
  usableHost(modid: number, cmdid: number, address: HostAddress): HostStats | undefined {
    const module = this.#find(modid, cmdid);
    return module?.isUsable ? module.statsOf(address) : undefined;
  }

  /** Refreshes the modules that had a failure in this tick of the event loop. */
  refreshAfterFailures(nowMs: number): void {
    for (const module of this.#failed) module.refreshNow(nowMs);
    this.#failed.clear();
  }

  /** Refreshes the modules whose last query was too recent when there was a reason for another. */
  refreshRateLimited(nowMs: number): void {
    const modules = [...this.#rateLimited];
    this.#rateLimited.clear();
    for (const module of modules) module.refreshIfDue(nowMs);
  }

  /** In how many slices of a flush interval the modules should be seen to. */
  get slices(): number {
    return Math.max(1, Math.min(MAX_SLICES, Math.ceil(this.#modules.size / MODULES_PER_SLICE)));
  }

  /** Sees to the modules of one slice, by default to all. To be called so that each slice is seen to once in a flush interval. */
  onTime(nowMs: number, slice = 0, slices = 1): void {
    for (const [key, module] of this.#modules) {
      if (module.number % slices !== slice || module.onTime(nowMs)) continue;
      this.#modules.delete(key);
      if (this.#last === module) this.#last = undefined;
      this.#retire(key, module);
    }
  }

  /** Sends the unsent results of one module. */
  flush(modid: number, cmdid: number): void {
    this.#find(modid, cmdid)?.flush();
  }

  /** Sends the unsent results of all modules. */
  flushAll(): void {
    for (const module of this.#modules.values()) module.flush();
  }

  #find(modid: number, cmdid: number): CachedModule | undefined {
    // Callers without types may pass something that is no number but has the same key as one, or none at all.
    if (typeof modid !== 'number' || typeof cmdid !== 'number') return undefined;
    const module = this.#modules.get(routeKey(modid, cmdid));
    if (module === undefined || module.modid !== modid || module.cmdid !== cmdid) return undefined;
    this.#last = module;
    return module;
  }

  #findOrWake(modid: number, cmdid: number, nowMs: number): CachedModule | undefined {
    const module = this.#find(modid, cmdid);
    if (module !== undefined) return module;
    const key = routeKey(modid, cmdid);
    const unused = this.#unused.get(key);
    if (unused === undefined || this.#modules.size >= this.#settings.maxModules) return undefined;
    this.#unused.delete(key);
    unused.wake(nowMs);
    this.#modules.set(key, unused);
    return unused;
  }

  /** Keeps the copy of a module that nobody calls, and makes room for it. */
  #retire(key: RouteKey, module: CachedModule): void {
    this.#unused.set(key, module);
    if (this.#unused.size > this.#settings.maxUnused) this.#dropUnused();
  }

  #dropUnused(): void {
    const [[key, module]] = this.#unused as unknown as [[RouteKey, CachedModule]];
    this.#unused.delete(key);
    module.dropCopy();
  }

  #countAlone(picked: CopiedHost | undefined): CopiedHost | undefined {
    if (picked !== undefined) this.#alonePicks += 1;
    return picked;
  }

  #add(modid: number, cmdid: number, nowMs: number): CachedModule | undefined {
    const known = this.#findOrWake(modid, cmdid, nowMs);
    if (known !== undefined || this.#modules.size >= this.#settings.maxModules) return known;
    const module = new CachedModule(this.#added++, modid, cmdid, this, this.#deps, this.#random, nowMs);
    this.#modules.set(routeKey(modid, cmdid), module);
    return module;
  }
}
