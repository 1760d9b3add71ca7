// pure
import { type HostAddress, type RouteKey, routeKey } from '@lars/proto';
import { Dice } from '@lars/proto/dice';
import type { LarsHost } from '../lars-host.ts';
import { CachedModule, type ModuleDeps } from './cached-module.ts';
import type { HostStats } from './host-stats.ts';
import type { CopiedHost } from './route-copy.ts';

/** How often `onTime` is to be called: so long at most does a success wait until the agent hears of it. */
export const FLUSH_INTERVAL_MS = 100;
/** More modules than these at a time are not cached: each of them costs a copy of its route. */
const MAX_MODULES = 10_000;
/** More hosts than these are not copied: each of them costs some 750 bytes, and a look every other second. */
const MAX_HOSTS = 100_000;
/** So many modules send what they hold at a time; more take slices within a tick, or the agent's socket could not hold what comes. */
const MODULES_PER_SLICE = 64;
const MAX_SLICES = 10;

/** What a cache wants done. None of these may call the cache, or a module, before it returns. */
export interface CacheDeps extends Pick<ModuleDeps, 'sendBatch' | 'queryRoute'> {
  /** There was a failure: `refreshAfterFailures` is to be called at the end of this turn of the event loop. */
  scheduleFailureRefresh(): void;
  /** `refreshRateLimited` is to be called in MIN_REFRESH_GAP_MS. */
  scheduleRefresh(): void;
}

/** What a cache has done so far (picks, refused), and what it holds now. */
export interface CacheCounts {
  /** Hosts picked from a copy. */
  readonly copyPicks: number;
  /** Hosts asked of the agent because so many other modules are cached. */
  readonly cacheFull: number;
  /** Modules whose hosts are picked from a copy. */
  readonly copies: number;
  /** Reports that wait to be sent. */
  readonly held: number;
}

/**
 * Copies of the routes of the modules that a client calls, to pick from while the agent does not want to see every call. It lives in the
 * time that its owner tells; it has no clock and no timer.
 */
export class RouteCache {
  readonly #random: Dice;
  readonly #maxModules: number;
  readonly #modules = new Map<RouteKey, CachedModule>();
  /** Those with a failure in this turn of the event loop. */
  readonly #failed = new Set<CachedModule>();
  /** Those that have to ask for their route, but did so only just now. */
  readonly #rateLimited = new Set<CachedModule>();
  readonly #deps: ModuleDeps;
  /** Most programs call the same module many times in a row. */
  #last: CachedModule | undefined;
  #picks = 0;
  #refused = 0;
  #copiedHosts = 0;
  #added = 0;

  /** @param random uniform in [0, 1); asked once */
  constructor(port: CacheDeps, random: () => number, maxModules = MAX_MODULES, maxHosts = MAX_HOSTS) {
    this.#random = new Dice(random);
    this.#maxModules = maxModules;
    this.#deps = {
      sendBatch: (modid, cmdid, results) => port.sendBatch(modid, cmdid, results),
      queryRoute: (module, version) => port.queryRoute(module, version),
      scheduleFailureRefresh: module => {
        if (this.#failed.size === 0) port.scheduleFailureRefresh();
        this.#failed.add(module);
      },
      scheduleRefresh: module => {
        if (this.#rateLimited.size === 0) port.scheduleRefresh();
        this.#rateLimited.add(module);
      },
      hasRoomFor: hosts => this.#copiedHosts + hosts <= maxHosts,
      addHosts: hosts => {
        this.#copiedHosts += hosts;
      },
    };
  }

  /** Whether `onTime` has nothing to do. */
  get isEmpty(): boolean {
    return this.#modules.size === 0;
  }

  get counts(): CacheCounts {
    let copies = 0;
    let held = 0;
    for (const module of this.#modules.values()) {
      if (module.isUsable) copies += 1;
      held += module.unsentCount;
    }
    return { copyPicks: this.#picks, cacheFull: this.#refused, copies, held };
  }

  /** A host from a copy; undefined when the agent must be asked. */
  pick(modid: number, cmdid: number): CopiedHost | undefined {
    const last = this.#last;
    const module = last !== undefined && last.modid === modid && last.cmdid === cmdid ? last : this.#find(modid, cmdid);
    const picked = module?.pick();
    if (picked !== undefined) this.#picks += 1;
    return picked;
  }

  /** To be called before the agent is asked for a host. */
  beforeAgentPick(modid: number, cmdid: number, nowMs: number): void {
    const module = this.#find(modid, cmdid) ?? this.#add(modid, cmdid, nowMs);
    if (module === undefined) this.#refused += 1;
    else module.beforeAgentPick(nowMs);
  }

  /** The agent has picked this host. */
  onAgentPick(host: LarsHost, nowMs: number): void {
    this.#find(host.modid, host.cmdid)?.onAgentPick(host, nowMs);
  }

  /** A host of a module that is picked from a copy; undefined while the agent is asked, or where the copy has no such host. */
  usableHost(modid: number, cmdid: number, address: HostAddress): HostStats | undefined {
    const module = this.#find(modid, cmdid);
    return module?.isUsable ? module.statsOf(address) : undefined;
  }

  refreshAfterFailures(nowMs: number): void {
    for (const module of this.#failed) module.refreshNow(nowMs);
    this.#failed.clear();
  }

  refreshRateLimited(nowMs: number): void {
    const modules = [...this.#rateLimited];
    this.#rateLimited.clear();
    for (const module of modules) module.refreshIfDue(nowMs);
  }

  /** In how many slices the modules should be seen to in a tick. */
  get slices(): number {
    return Math.max(1, Math.min(MAX_SLICES, Math.ceil(this.#modules.size / MODULES_PER_SLICE)));
  }

  /** Sees to every module; or to those alone whose turn it is. To be called so that each has its turn once a tick. */
  onTime(nowMs: number, turn = 0, slices = 1): void {
    for (const [key, module] of this.#modules) {
      if (module.number % slices !== turn || module.onTime(nowMs)) continue;
      this.#modules.delete(key);
      if (this.#last === module) this.#last = undefined;
    }
  }

  /** Sends what is held of one module. */
  flush(modid: number, cmdid: number): void {
    this.#find(modid, cmdid)?.flush();
  }

  /** Sends all that is held. */
  flushAll(): void {
    for (const module of this.#modules.values()) module.flush();
  }

  #find(modid: number, cmdid: number): CachedModule | undefined {
    // What is no number may have the key of one, or none at all.
    if (typeof modid !== 'number' || typeof cmdid !== 'number') return undefined;
    const module = this.#modules.get(routeKey(modid, cmdid));
    if (module === undefined || module.modid !== modid || module.cmdid !== cmdid) return undefined;
    this.#last = module;
    return module;
  }

  #add(modid: number, cmdid: number, nowMs: number): CachedModule | undefined {
    if (this.#modules.size >= this.#maxModules) return undefined;
    const module = new CachedModule(this.#added++, modid, cmdid, this, this.#deps, this.#random, nowMs);
    this.#modules.set(routeKey(modid, cmdid), module);
    return module;
  }
}
