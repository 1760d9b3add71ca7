// pure
/**
 * What one shard knows of modules. A module is in exactly one of three states, and each state is a map of its own: active (its route is
 * known), pending (its first route is on its way, and requests are parked for it), absent (as far as is known it does not exist; that is
 * remembered for a short time, so that a stream of calls for it is not a stream of route queries).
 */
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { ModuleBalancerFactory } from '../balancer/algorithm.ts';
import type { BalancerDeps, ModuleBalancer, Transition } from '../balancer/balancer.ts';

export type OnTransition = (module: ActiveModule, transition: Transition) => void;

/**
 * A module whose route is known. An agent may have a hundred thousand of them, so each is its balancer's environment as well: a closure
 * for each would take as much memory as half a host, and keep the message alive that brought the route.
 */
export class ActiveModule implements ModuleId, BalancerDeps {
  readonly modid: number;
  readonly cmdid: number;
  readonly random: () => number;
  readonly balancer: ModuleBalancer;
  /** The version of the known route; 0 where dnsserver tells none. */
  version = 0;
  /** When the route becomes stale, monotonic ms; a whole number, because V8 keeps a fraction in an object of its own. */
  staleAtMs = 0;
  /** When the call results counted so far go to the reporter; undefined while there are none. */
  flushAtMs: number | undefined = undefined;
  readonly #onTransition: OnTransition;

  constructor({ modid, cmdid }: ModuleId, newBalancer: ModuleBalancerFactory, random: () => number, onTransition: OnTransition) {
    this.modid = modid;
    this.cmdid = cmdid;
    this.random = random;
    this.#onTransition = onTransition;
    this.balancer = newBalancer(this, this);
  }

  onTransition(transition: Transition): void {
    this.#onTransition(this, transition);
  }
}

export interface PendingModule<Request> extends ModuleId {
  readonly parked: Request[];
}

export interface ModuleTableOptions {
  /** How long requests wait for the first route of their module, once dnsserver alone can tell it. */
  readonly routeWaitMs: number;
  /** How many requests may be parked at a time. */
  readonly maxWaiting: number;
  /** How long "no such module" is remembered. */
  readonly absentTtlMs: number;
  /** How many absent modules are remembered; beyond that the oldest is forgotten. */
  readonly maxAbsent: number;
}

export interface ParkOutcome {
  /** The request is parked. Otherwise too many are, and it must be answered now. */
  readonly isParked: boolean;
  /** The route must be fetched now. Otherwise it is on its way already. */
  readonly mustFetch: boolean;
}

export class ModuleTable<Request> {
  readonly #options: ModuleTableOptions;
  readonly #active = new Map<RouteKey, ActiveModule>();
  readonly #pending = new Map<RouteKey, PendingModule<Request>>();
  /** The deadlines of those whose wait has begun, in their order: the wait is the same for all, and a Map keeps the order of insertion. */
  readonly #deadlinesMs = new Map<RouteKey, number>();
  /** Until when each module counts as absent; in the order of insertion, so the first is the oldest. */
  readonly #absent = new Map<RouteKey, number>();
  #parkedCount = 0;

  constructor(options: ModuleTableOptions) {
    this.#options = options;
  }

  get parkedCount(): number {
    return this.#parkedCount;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  get absentCount(): number {
    return this.#absent.size;
  }

  findActive(modid: number, cmdid: number): ActiveModule | undefined {
    return this.#active.get(routeKey(modid, cmdid));
  }

  allActive(): IterableIterator<ActiveModule> {
    return this.#active.values();
  }

  allPending(): IterableIterator<PendingModule<Request>> {
    return this.#pending.values();
  }

  /** Is the module known not to exist? */
  isAbsent(modid: number, cmdid: number, nowMs: number): boolean {
    const key = routeKey(modid, cmdid);
    const untilMs = this.#absent.get(key);
    if (untilMs === undefined) return false;
    if (nowMs < untilMs) return true;
    this.#absent.delete(key);
    return false;
  }

  /** Parks a request until its module has a route, where there is room. Its wait has no end before `beginWait`. */
  park(modid: number, cmdid: number, request: Request, nowMs: number): ParkOutcome {
    const key = routeKey(modid, cmdid);
    const pending = this.#pending.get(key);
    if (this.#parkedCount >= this.#options.maxWaiting) {
      if (pending !== undefined) return { isParked: false, mustFetch: false };
      // The route is fetched anyway, and the module counts as absent until it arrives, so that later requests do not fetch it again.
      this.#rememberAbsent(key, nowMs);
      return { isParked: false, mustFetch: true };
    }
    this.#parkedCount += 1;
    pending?.parked.push(request);
    if (pending !== undefined) return { isParked: true, mustFetch: false };
    this.#pending.set(key, { modid, cmdid, parked: [request] });
    return { isParked: true, mustFetch: true };
  }

  /**
   * dnsserver is asked for the module's route, and nobody else knows one. Until then "no such module" would mean that the agent has not looked:
   * it may have started a moment ago.
   */
  beginWait(modid: number, cmdid: number, nowMs: number): void {
    const key = routeKey(modid, cmdid);
    if (this.#pending.has(key) && !this.#deadlinesMs.has(key)) this.#deadlinesMs.set(key, nowMs + this.#options.routeWaitMs);
  }

  /** The module has a route now. @returns the requests that were parked for it, oldest first */
  activate(module: ActiveModule): readonly Request[] {
    const key = routeKey(module.modid, module.cmdid);
    this.#absent.delete(key);
    this.#active.set(key, module);
    return this.#releaseParked(key);
  }

  /** The module does not exist. @returns the requests that were parked for it */
  markAbsent(modid: number, cmdid: number, nowMs: number): readonly Request[] {
    const key = routeKey(modid, cmdid);
    this.#active.delete(key);
    this.#rememberAbsent(key, nowMs);
    return this.#releaseParked(key);
  }

  /** When the next parked request must be answered; undefined while no wait has begun. */
  nextDeadlineMs(): number | undefined {
    // The thread asks after every batch of datagrams, and nearly always none is parked.
    if (this.#deadlinesMs.size === 0) return undefined;
    return this.#deadlinesMs.values().next().value;
  }

  /** Removes the modules whose wait is over without a route; they count as absent for a while. */
  expirePending(nowMs: number): readonly PendingModule<Request>[] {
    const expired: PendingModule<Request>[] = [];
    for (const [key, deadlineMs] of this.#deadlinesMs) {
      if (deadlineMs > nowMs) break;
      const pending = this.#pending.get(key);
      this.#rememberAbsent(key, nowMs);
      this.#releaseParked(key);
      if (pending !== undefined) expired.push(pending);
    }
    return expired;
  }

  /** Removes all modules that have no route yet. */
  releasePending(): readonly PendingModule<Request>[] {
    const released = [...this.#pending.values()];
    for (const { modid, cmdid } of released) this.#releaseParked(routeKey(modid, cmdid));
    return released;
  }

  #releaseParked(key: RouteKey): readonly Request[] {
    const parked = this.#pending.get(key)?.parked ?? [];
    this.#pending.delete(key);
    this.#deadlinesMs.delete(key);
    this.#parkedCount -= parked.length;
    return parked;
  }

  #rememberAbsent(key: RouteKey, nowMs: number): void {
    this.#absent.delete(key);
    this.#absent.set(key, nowMs + this.#options.absentTtlMs);
    if (this.#absent.size <= this.#options.maxAbsent) return;
    for (const oldest of this.#absent.keys()) {
      this.#absent.delete(oldest);
      return;
    }
  }
}
