// pure
import { type BatchResult, type GetRouteResponse, type HostAddress, type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Dice } from '@lars/proto/dice';
import { isCallable, LarsHost } from '../lars-host.ts';
import { type CellOwner, HostCell } from './host-stats.ts';
import { ModuleNorms } from './module-stats.ts';
import { REFRESH_MS, Refresh, UNCACHEABLE_MS } from './refresh.ts';
import { type CopiedHost, RouteCopy } from './route-copy.ts';
import { HeldCalls } from './unsent-results.ts';

/** The copy of a module that nobody called for so long is not refreshed any more; ... */
const IDLE_MS = 10_000;
/** ... after this time the module is forgotten. */
export const FORGET_MS = 60_000;
/** Calls that take longer and longer mean that hosts fill up: the agent is to see them before the first one fails. */
export const STRAINED_MS = 5_000;
/** A host that costs so many times what is typical is a reason to ask whether the agent wants to see every call. */
const UNEVEN = 2;

/** What a cached module wants done. */
export interface ModulePort {
  /** Sends results of calls that were picked from a copy, in the order in which it is called. */
  sendBatch(modid: number, cmdid: number, results: readonly BatchResult[]): void;
  /** Asks the agent for the route. Exactly one of the module's `onRoute` and `onNoRoute` must follow. */
  askRoute(module: CachedModule, version: number): void;
  /** There was a failure: the module's `hurry` is to be called at the end of this turn of the event loop. */
  hurrySoon(module: CachedModule): void;
  /** The module's `askAgain` is to be called in HASTE_MS. */
  askSoon(module: CachedModule): void;
  /** Whether copies may hold so many hosts more. */
  hasRoomFor(hosts: number): boolean;
  /** The module's copy holds so many hosts more, or fewer. */
  resized(hosts: number): void;
}

/** One module as one client knows it: a copy of its route, when the copy may be picked from, and what the agent has yet to hear. */
export class CachedModule implements CellOwner {
  /** Modules take turns by it. */
  readonly number: number;
  readonly modid: number;
  readonly cmdid: number;
  readonly cache: object;
  readonly #port: ModulePort;
  readonly #dice: Dice;
  readonly #norms = new ModuleNorms();
  readonly #held = new HeldCalls();
  readonly #refresh = new Refresh();
  #cells = new Map<HostKey, HostCell>();
  #copy: RouteCopy | undefined;
  #copiedHosts = 0;
  /** The copy while picks are made from it; undefined while the agent is asked for each host. */
  #open: RouteCopy | undefined;
  /** The agent had no hosts of the module when it was last asked for the route. */
  #isUnknown = false;
  #isForgotten = false;
  #isUsed = true;
  #usedAtMs: number;
  #isUneven = false;
  #strainedUntilMs = Number.NEGATIVE_INFINITY;
  #fadeAtMs: number;
  #throughAtMs: number;
  #staleAtMs: number;

  constructor(number: number, modid: number, cmdid: number, cache: object, port: ModulePort, dice: Dice, nowMs: number) {
    this.number = number;
    this.modid = modid;
    this.cmdid = cmdid;
    this.cache = cache;
    this.#port = port;
    this.#dice = dice;
    this.#usedAtMs = nowMs;
    this.#fadeAtMs = nowMs + REFRESH_MS;
    this.#throughAtMs = nowMs;
    this.#staleAtMs = nowMs + this.#norms.staleAfterMs;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  get heldCount(): number {
    return this.#held.count;
  }

  /** A host of the copy; undefined when the agent must be asked. */
  pick(): CopiedHost | undefined {
    this.#isUsed = true;
    return this.#open?.pick();
  }

  /** The agent is about to be asked for a host: what it does not know yet must reach it before. */
  beforeAsking(nowMs: number): void {
    this.#isUsed = true;
    this.flush();
    this.#askIfDue(nowMs);
  }

  /** The agent has picked this host. */
  picked(host: LarsHost, nowMs: number): void {
    const cell = this.cellOf(host.address);
    if (cell !== undefined) {
      cell.begin();
      LarsHost.remember(host, cell);
    } else if (this.#isUnknown) {
      // The route has come meanwhile.
      this.#isUnknown = false;
      this.#refresh.hasten();
      this.#askIfDue(nowMs);
    }
  }

  cellOf(address: HostAddress): HostCell | undefined {
    return this.#cells.get(hostKey(address));
  }

  report(cell: HostCell, ok: boolean, tcostMs: number): void {
    this.#learn(cell, ok, tcostMs);
    if (ok) this.#held.addSuccess(cell, tcostMs);
    else {
      this.#held.addFailure(cell, tcostMs);
      this.#port.hurrySoon(this);
    }
    if (this.#isForgotten || this.#held.isFull) this.flush();
  }

  observe(cell: HostCell, ok: boolean, tcostMs: number): void {
    this.#learn(cell, ok, tcostMs);
    this.flush();
    if (!ok) this.#port.hurrySoon(this);
  }

  /** Sends what is held. */
  flush(): void {
    this.#held.take(results => this.#port.sendBatch(this.modid, this.cmdid, results));
  }

  /** Tells the agent of a failure, and asks whether it wants to see every call now. */
  hurry(nowMs: number): void {
    this.flush();
    if (this.#open === undefined) return;
    this.#refresh.hasten();
    this.askAgain(nowMs);
  }

  askAgain(nowMs: number): void {
    this.#askIfDue(nowMs);
    if (this.#refresh.isHeldBack) this.#port.askSoon(this);
  }

  /**
   * Only a route with a version comes from an agent that tells of overloads, and only a whole one has all hosts to pick from.
   * @param isWhole false when the answer may lack hosts for want of room
   */
  onRoute(answer: GetRouteResponse, isWhole: boolean, nowMs: number): void {
    const mayBeCopied = answer.version !== 0 && isWhole && this.#port.hasRoomFor(answer.host.length - this.#copiedHosts);
    if (!answer.notModified) this.#take(answer.version, mayBeCopied ? answer.host : []);
    else if (this.#copy?.version !== answer.version) this.#copy = undefined;
    this.#isUnknown = !answer.notModified && answer.host.length === 0;
    const isUncacheable = !mayBeCopied && answer.host.length > 0;
    this.#refresh.answered(nowMs, isUncacheable ? UNCACHEABLE_MS : REFRESH_MS);
    if (this.#refresh.isHeldBack) this.#port.askSoon(this);
    this.#open = answer.overload || nowMs < this.#strainedUntilMs ? undefined : this.#copy;
  }

  onNoRoute(nowMs: number): void {
    this.#refresh.unanswered(nowMs);
  }

  /** To be called every 100 ms. @returns false when nobody has used the module for long, and it is to be forgotten */
  onTime(nowMs: number): boolean {
    this.flush();
    if (this.#isUsed) this.#usedAtMs = nowMs;
    this.#isUsed = false;
    const idleMs = nowMs - this.#usedAtMs;
    this.#isForgotten = idleMs >= FORGET_MS;
    if (this.#isForgotten) {
      this.#resize(0);
      return false;
    }
    this.#keepHouse(nowMs);
    if (nowMs < this.#strainedUntilMs || this.#refresh.isOverdue(nowMs)) this.#open = undefined;
    if (this.#isUneven && this.isOpen) this.#refresh.hasten();
    this.#isUneven = false;
    if (idleMs < IDLE_MS) this.#askIfDue(nowMs);
    return true;
  }

  #learn(cell: HostCell, ok: boolean, tcostMs: number): void {
    this.#norms.add(ok, tcostMs);
    cell.end(ok, tcostMs, this.#norms);
    const { typicalMs } = this.#norms;
    if (typicalMs > 0 && cell.expectedMs > UNEVEN * typicalMs) this.#isUneven = true;
  }

  #askIfDue(nowMs: number): void {
    if (!this.#refresh.isDue(nowMs)) return;
    this.#refresh.asked(nowMs);
    this.#port.askRoute(this, this.#copy?.version ?? 0);
  }

  #keepHouse(nowMs: number): void {
    if (this.#norms.onTick()) this.#strainedUntilMs = nowMs + STRAINED_MS;
    if (nowMs >= this.#fadeAtMs) {
      this.#fadeAtMs = nowMs + REFRESH_MS;
      this.#norms.onPeriod();
      this.#copy?.fade();
      for (const cell of this.#cells.values()) cell.fade(this.#norms);
    }
    if (nowMs >= this.#throughAtMs) {
      const isStale = nowMs >= this.#staleAtMs;
      this.#throughAtMs = nowMs + this.#norms.throughAfterMs;
      if (isStale) this.#staleAtMs = nowMs + this.#norms.staleAfterMs;
      for (const cell of this.#cells.values()) cell.turn(isStale);
    }
  }

  #take(version: number, host: readonly HostInfo[]): void {
    const cells = new Map<HostKey, HostCell>();
    const hosts = host.filter(isCallable).map(info => this.#copied(info, cells));
    this.#resize(hosts.length);
    const copy = new RouteCopy(version, hosts, this.#norms, this.#dice);
    this.#cells = cells;
    this.#copy = copy.isEmpty ? undefined : copy;
  }

  #resize(hosts: number): void {
    this.#port.resized(hosts - this.#copiedHosts);
    this.#copiedHosts = hosts;
  }

  #copied(info: HostInfo, cells: Map<HostKey, HostCell>): CopiedHost {
    const key = hostKey(info);
    const { ip, port, addr } = info;
    const cell = this.#cells.get(key) ?? new HostCell({ ip, port, addr }, this);
    cells.set(key, cell);
    const host = new LarsHost(this.modid, this.cmdid, info, cell);
    return { host, promise: Promise.resolve(host), cell };
  }
}
