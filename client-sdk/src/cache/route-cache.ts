// pure
import { type HostAddress, type RouteKey, routeKey } from '@lars/proto';
import { Dice } from '@lars/proto/dice';
import type { LarsHost } from '../lars-host.ts';
import { CachedModule, type ModulePort } from './cached-module.ts';
import type { HostCell } from './host-stats.ts';
import type { CopiedHost } from './route-copy.ts';

/** How often `onTime` is to be called: so long at most does a success wait until the agent hears of it. */
export const TICK_MS = 100;
/** More modules than these at a time are not cached: each of them costs a copy of its route. */
const MAX_MODULES = 10_000;
/** More hosts than these are not copied: each of them costs some 750 bytes, and a look every other second. */
const MAX_HOSTS = 100_000;
/** So many modules send what they hold at a time; more take turns within a tick, or the agent's socket could not hold what comes. */
const MODULES_AT_ONCE = 64;
const MAX_TURNS = 10;

/** What a cache wants done. None of these may call the cache, or a module, before it returns. */
export interface CachePort extends Pick<ModulePort, 'sendBatch' | 'askRoute'> {
  /** There was a failure: `hurry` is to be called at the end of this turn of the event loop. */
  hurrySoon(): void;
  /** `askAgain` is to be called in HASTE_MS. */
  askSoon(): void;
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
  readonly #dice: Dice;
  readonly #maxModules: number;
  readonly #modules = new Map<RouteKey, CachedModule>();
  /** Those with a failure in this turn of the event loop. */
  readonly #hurried = new Set<CachedModule>();
  /** Those that have to ask for their route, but did so only just now. */
  readonly #heldBack = new Set<CachedModule>();
  readonly #port: ModulePort;
  /** Most programs call the same module many times in a row. */
  #last: CachedModule | undefined;
  #picks = 0;
  #refused = 0;
  #copiedHosts = 0;
  #added = 0;

  /** @param random uniform in [0, 1); asked once */
  constructor(port: CachePort, random: () => number, maxModules = MAX_MODULES, maxHosts = MAX_HOSTS) {
    this.#dice = new Dice(random);
    this.#maxModules = maxModules;
    this.#port = {
      sendBatch: (modid, cmdid, results) => port.sendBatch(modid, cmdid, results),
      askRoute: (module, version) => port.askRoute(module, version),
      hurrySoon: module => {
        if (this.#hurried.size === 0) port.hurrySoon();
        this.#hurried.add(module);
      },
      askSoon: module => {
        if (this.#heldBack.size === 0) port.askSoon();
        this.#heldBack.add(module);
      },
      hasRoomFor: hosts => this.#copiedHosts + hosts <= maxHosts,
      resized: hosts => {
        this.#copiedHosts += hosts;
      },
    };
  }

  /** Whether `onTime` has nothing to do. */
  get isIdle(): boolean {
    return this.#modules.size === 0;
  }

  get counts(): CacheCounts {
    let copies = 0;
    let held = 0;
    for (const module of this.#modules.values()) {
      if (module.isOpen) copies += 1;
      held += module.heldCount;
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
  beforeAsking(modid: number, cmdid: number, nowMs: number): void {
    const module = this.#find(modid, cmdid) ?? this.#add(modid, cmdid, nowMs);
    if (module === undefined) this.#refused += 1;
    else module.beforeAsking(nowMs);
  }

  /** The agent has picked this host. */
  picked(host: LarsHost, nowMs: number): void {
    this.#find(host.modid, host.cmdid)?.picked(host, nowMs);
  }

  /** A host of a module that is picked from a copy; undefined while the agent is asked, or where the copy has no such host. */
  openCell(modid: number, cmdid: number, address: HostAddress): HostCell | undefined {
    const module = this.#find(modid, cmdid);
    return module?.isOpen ? module.cellOf(address) : undefined;
  }

  hurry(nowMs: number): void {
    for (const module of this.#hurried) module.hurry(nowMs);
    this.#hurried.clear();
  }

  askAgain(nowMs: number): void {
    const modules = [...this.#heldBack];
    this.#heldBack.clear();
    for (const module of modules) module.askAgain(nowMs);
  }

  /** In how many turns the modules should be seen to in a tick. */
  get turns(): number {
    return Math.max(1, Math.min(MAX_TURNS, Math.ceil(this.#modules.size / MODULES_AT_ONCE)));
  }

  /** Sees to every module; or to those alone whose turn it is. To be called so that each has its turn once a tick. */
  onTime(nowMs: number, turn = 0, turns = 1): void {
    for (const [key, module] of this.#modules) {
      if (module.number % turns !== turn || module.onTime(nowMs)) continue;
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
    const module = new CachedModule(this.#added++, modid, cmdid, this, this.#port, this.#dice, nowMs);
    this.#modules.set(routeKey(modid, cmdid), module);
    return module;
  }
}
