// pure
/**
 * What one shard knows of modules. A module is in exactly one of three states, and each state is a map of its own:
 * serving (it has a route), asking (its first route is on its way, and requests wait for it), absent (it does not exist, as
 * far as is known; remembered for a short time, so that a stream of calls for it is not a stream of pulls).
 */
import { type RouteKey, routeKey } from '@lars/proto';
import type { ExplainingBalancer } from '../balancer/balancer.ts';
import type { ModuleId } from '../threads/messages.ts';

export interface ServingModule extends ModuleId {
  readonly balancer: ExplainingBalancer;
  /** The revision of the route held; 0 where dnsserver tells none. */
  version: number;
  /** When the route is asked for again, monotonic ms; whole ones, because V8 keeps a fraction in an object of its own. */
  refreshAtMs: number;
  /** When the calls counted so far go to the reporter; undefined while there are none. */
  reportAtMs: number | undefined;
}

export interface AskingModule<Request> extends ModuleId {
  readonly deadlineMs: number;
  readonly held: Request[];
}

export interface ModuleTableLimits {
  /** How long requests wait for the first route of their module. */
  readonly routeWaitMs: number;
  /** How many requests may wait at a time. */
  readonly maxHeld: number;
  /** How long "no such module" is remembered. */
  readonly absentTtlMs: number;
  /** How many such modules are remembered; beyond, the oldest is forgotten. */
  readonly maxAbsent: number;
}

export interface HoldOutcome {
  /** The request waits; otherwise too many do, and it must be answered now. */
  readonly held: boolean;
  /** The route must be asked for now; otherwise that has been done. */
  readonly ask: boolean;
}

export class ModuleTable<Request> {
  readonly #limits: ModuleTableLimits;
  readonly #serving = new Map<RouteKey, ServingModule>();
  /** In the order of their deadlines: the wait is the same for all, and a Map keeps the order of insertion. */
  readonly #asking = new Map<RouteKey, AskingModule<Request>>();
  /** Until when each is believed absent; in the order of insertion, so the first is the oldest. */
  readonly #absent = new Map<RouteKey, number>();
  #heldCount = 0;

  constructor(limits: ModuleTableLimits) {
    this.#limits = limits;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  get servingCount(): number {
    return this.#serving.size;
  }

  get absentCount(): number {
    return this.#absent.size;
  }

  serving(modid: number, cmdid: number): ServingModule | undefined {
    return this.#serving.get(routeKey(modid, cmdid));
  }

  allServing(): IterableIterator<ServingModule> {
    return this.#serving.values();
  }

  allAsking(): IterableIterator<AskingModule<Request>> {
    return this.#asking.values();
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

  /** Lets a request wait for its module's first route, where there is room. */
  hold(modid: number, cmdid: number, request: Request, nowMs: number): HoldOutcome {
    const key = routeKey(modid, cmdid);
    const asking = this.#asking.get(key);
    if (this.#heldCount >= this.#limits.maxHeld) {
      if (asking !== undefined) return { held: false, ask: false };
      // Asked for once, as if its wait were over at once: what comes meanwhile must not ask again.
      this.#remember(key, nowMs);
      return { held: false, ask: true };
    }
    this.#heldCount += 1;
    asking?.held.push(request);
    if (asking !== undefined) return { held: true, ask: false };
    this.#asking.set(key, { modid, cmdid, deadlineMs: nowMs + this.#limits.routeWaitMs, held: [request] });
    return { held: true, ask: true };
  }

  /** The module has a route: it is served from now on. Answers the requests that waited for it, oldest first. */
  serve(module: ServingModule): readonly Request[] {
    const key = routeKey(module.modid, module.cmdid);
    this.#absent.delete(key);
    this.#serving.set(key, module);
    return this.#release(key);
  }

  /** The module does not exist. Answers the requests that waited for it. */
  markAbsent(modid: number, cmdid: number, nowMs: number): readonly Request[] {
    const key = routeKey(modid, cmdid);
    this.#serving.delete(key);
    this.#remember(key, nowMs);
    return this.#release(key);
  }

  /** When the next waiting request must be answered; undefined while none waits. */
  nextDeadlineMs(): number | undefined {
    // Asked after every datagram, and nearly always none waits.
    if (this.#asking.size === 0) return undefined;
    return this.#asking.values().next().value?.deadlineMs;
  }

  /** Modules whose wait is over without a route; they count as absent for a while. */
  expire(nowMs: number): readonly AskingModule<Request>[] {
    const expired: AskingModule<Request>[] = [];
    for (const [key, asking] of this.#asking) {
      if (asking.deadlineMs > nowMs) break;
      this.#remember(key, nowMs);
      this.#release(key);
      expired.push(asking);
    }
    return expired;
  }

  #release(key: RouteKey): readonly Request[] {
    const held = this.#asking.get(key)?.held ?? [];
    this.#asking.delete(key);
    this.#heldCount -= held.length;
    return held;
  }

  #remember(key: RouteKey, nowMs: number): void {
    this.#absent.delete(key);
    this.#absent.set(key, nowMs + this.#limits.absentTtlMs);
    if (this.#absent.size <= this.#limits.maxAbsent) return;
    for (const oldest of this.#absent.keys()) {
      this.#absent.delete(oldest);
      return;
    }
  }
}
