// pure
import { type BatchResult, type GetRouteResponse, type HostAddress, type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Dice } from '@lars/proto/dice';
import { isCallable, LarsHost } from '../lars-host.ts';
import { HostStats, type StatsOwner } from './host-stats.ts';
import { ModuleStats } from './module-stats.ts';
import { REFRESH_MS, RefreshSchedule, UNCACHEABLE_MS } from './refresh.ts';
import { type CopiedHost, RouteCopy } from './route-copy.ts';
import { UnsentResults } from './unsent-results.ts';

/** The copy of a module that nobody called for so long is not refreshed any more; ... */
const UNUSED_MS = 10_000;
/** ... after this time the module is forgotten. */
export const FORGET_MS = 60_000;
/** Calls that take longer and longer mean that hosts fill up: the agent is to see them before the first one fails. */
export const CONGESTED_MS = 5_000;
/** A host that costs so many times what is typical is a reason to ask whether the agent wants to see every call. */
const OUTLIER_FACTOR = 2;

/** What a cached module wants done. */
export interface ModuleDeps {
  /** Sends results of calls that were picked from a copy, in the order in which it is called. */
  sendBatch(modid: number, cmdid: number, results: readonly BatchResult[]): void;
  /** Asks the agent for the route. Exactly one of the module's `onRoute` and `onNoRoute` must follow. */
  queryRoute(module: CachedModule, version: number): void;
  /** There was a failure: the module's `refreshNow` is to be called at the end of this turn of the event loop. */
  scheduleFailureRefresh(module: CachedModule): void;
  /** The module's `refreshIfDue` is to be called in MIN_REFRESH_GAP_MS. */
  scheduleRefresh(module: CachedModule): void;
  /** Whether copies may hold so many hosts more. */
  hasRoomFor(hosts: number): boolean;
  /** The module's copy holds so many hosts more, or fewer. */
  addHosts(hosts: number): void;
}

/** One module as one client knows it: a copy of its route, when the copy may be picked from, and what the agent has yet to hear. */
export class CachedModule implements StatsOwner {
  /** Modules take slices by it. */
  readonly number: number;
  readonly modid: number;
  readonly cmdid: number;
  readonly cache: object;
  readonly #deps: ModuleDeps;
  readonly #random: Dice;
  readonly #moduleStats = new ModuleStats();
  readonly #unsent = new UnsentResults();
  readonly #refresh = new RefreshSchedule();
  #statsByHost = new Map<HostKey, HostStats>();
  #copy: RouteCopy | undefined;
  #copiedHosts = 0;
  /** The copy while picks are made from it; undefined while the agent is asked for each host. */
  #usable: RouteCopy | undefined;
  /** The agent had no hosts of the module when it was last asked for the route. */
  #isUnknown = false;
  #isForgotten = false;
  #isUsed = true;
  #usedAtMs: number;
  #hasPriceOutlier = false;
  #congestedUntilMs = Number.NEGATIVE_INFINITY;
  #fadeAtMs: number;
  #presumeDoneAtMs: number;
  #giveUpAtMs: number;

  constructor(number: number, modid: number, cmdid: number, cache: object, port: ModuleDeps, random: Dice, nowMs: number) {
    this.number = number;
    this.modid = modid;
    this.cmdid = cmdid;
    this.cache = cache;
    this.#deps = port;
    this.#random = random;
    this.#usedAtMs = nowMs;
    this.#fadeAtMs = nowMs + REFRESH_MS;
    this.#presumeDoneAtMs = nowMs;
    this.#giveUpAtMs = nowMs + this.#moduleStats.giveUpAfterMs;
  }

  get isUsable(): boolean {
    return this.#usable !== undefined;
  }

  get unsentCount(): number {
    return this.#unsent.count;
  }

  /** A host of the copy; undefined when the agent must be asked. */
  pick(): CopiedHost | undefined {
    this.#isUsed = true;
    return this.#usable?.pick();
  }

  /** The agent is about to be asked for a host: what it does not know yet must reach it before. */
  beforeAgentPick(nowMs: number): void {
    this.#isUsed = true;
    this.flush();
    this.#queryIfDue(nowMs);
  }

  /** The agent has picked this host. */
  onAgentPick(host: LarsHost, nowMs: number): void {
    const stats = this.statsOf(host.address);
    if (stats !== undefined) {
      stats.addCall();
      LarsHost.remember(host, stats);
    } else if (this.#isUnknown) {
      // The route has come meanwhile.
      this.#isUnknown = false;
      this.#refresh.expedite();
      this.#queryIfDue(nowMs);
    }
  }

  statsOf(address: HostAddress): HostStats | undefined {
    return this.#statsByHost.get(hostKey(address));
  }

  bufferResult(stats: HostStats, ok: boolean, tcostMs: number): void {
    this.#learnResult(stats, ok, tcostMs);
    if (ok) this.#unsent.addSuccess(stats, tcostMs);
    else {
      this.#unsent.addFailure(stats, tcostMs);
      this.#deps.scheduleFailureRefresh(this);
    }
    if (this.#isForgotten || this.#unsent.isFull) this.flush();
  }

  observeResult(stats: HostStats, ok: boolean, tcostMs: number): void {
    this.#learnResult(stats, ok, tcostMs);
    this.flush();
    if (!ok) this.#deps.scheduleFailureRefresh(this);
  }

  /** Sends what is held. */
  flush(): void {
    this.#unsent.flushTo(results => this.#deps.sendBatch(this.modid, this.cmdid, results));
  }

  /** Tells the agent of a failure, and asks whether it wants to see every call now. */
  refreshNow(nowMs: number): void {
    this.flush();
    if (this.#usable === undefined) return;
    this.#refresh.expedite();
    this.refreshIfDue(nowMs);
  }

  refreshIfDue(nowMs: number): void {
    this.#queryIfDue(nowMs);
    if (this.#refresh.isRateLimited) this.#deps.scheduleRefresh(this);
  }

  /**
   * Only a route with a version comes from an agent that tells of overloads, and only a whole one has all hosts to pick from.
   * @param isWhole false when the answer may lack hosts for want of room
   */
  onRoute(answer: GetRouteResponse, isWhole: boolean, nowMs: number): void {
    const mayBeCopied = answer.version !== 0 && isWhole && this.#deps.hasRoomFor(answer.host.length - this.#copiedHosts);
    if (!answer.notModified) this.#replaceCopy(answer.version, mayBeCopied ? answer.host : []);
    else if (this.#copy?.version !== answer.version) this.#copy = undefined;
    this.#isUnknown = !answer.notModified && answer.host.length === 0;
    const isUncacheable = !mayBeCopied && answer.host.length > 0;
    this.#refresh.onAnswer(nowMs, isUncacheable ? UNCACHEABLE_MS : REFRESH_MS);
    if (this.#refresh.isRateLimited) this.#deps.scheduleRefresh(this);
    this.#usable = answer.overload || nowMs < this.#congestedUntilMs ? undefined : this.#copy;
  }

  onNoRoute(nowMs: number): void {
    this.#refresh.onNoAnswer(nowMs);
  }

  /** To be called every 100 ms. @returns false when nobody has used the module for long, and it is to be forgotten */
  onTime(nowMs: number): boolean {
    this.flush();
    if (this.#isUsed) this.#usedAtMs = nowMs;
    this.#isUsed = false;
    const unusedMs = nowMs - this.#usedAtMs;
    this.#isForgotten = unusedMs >= FORGET_MS;
    if (this.#isForgotten) {
      this.#countHosts(0);
      return false;
    }
    this.#runPeriodic(nowMs);
    if (nowMs < this.#congestedUntilMs || this.#refresh.isOverdue(nowMs)) this.#usable = undefined;
    if (this.#hasPriceOutlier && this.isUsable) this.#refresh.expedite();
    this.#hasPriceOutlier = false;
    if (unusedMs < UNUSED_MS) this.#queryIfDue(nowMs);
    return true;
  }

  #learnResult(stats: HostStats, ok: boolean, tcostMs: number): void {
    this.#moduleStats.addResult(ok, tcostMs);
    stats.endCall(ok, tcostMs, this.#moduleStats);
    const { typicalMs } = this.#moduleStats;
    if (typicalMs > 0 && stats.priceMs > OUTLIER_FACTOR * typicalMs) this.#hasPriceOutlier = true;
  }

  #queryIfDue(nowMs: number): void {
    if (!this.#refresh.isDue(nowMs)) return;
    this.#refresh.onQuerySent(nowMs);
    this.#deps.queryRoute(this, this.#copy?.version ?? 0);
  }

  #runPeriodic(nowMs: number): void {
    if (this.#moduleStats.onInterval()) this.#congestedUntilMs = nowMs + CONGESTED_MS;
    if (nowMs >= this.#fadeAtMs) {
      this.#fadeAtMs = nowMs + REFRESH_MS;
      this.#moduleStats.updateBaseline();
      this.#copy?.fadePicks();
      for (const stats of this.#statsByHost.values()) stats.fadeStats(this.#moduleStats);
    }
    if (nowMs >= this.#presumeDoneAtMs) {
      const isGivenUp = nowMs >= this.#giveUpAtMs;
      this.#presumeDoneAtMs = nowMs + this.#moduleStats.presumedDoneAfterMs;
      if (isGivenUp) this.#giveUpAtMs = nowMs + this.#moduleStats.giveUpAfterMs;
      for (const stats of this.#statsByHost.values()) stats.rotateCounts(isGivenUp);
    }
  }

  #replaceCopy(version: number, host: readonly HostInfo[]): void {
    const statsByHost = new Map<HostKey, HostStats>();
    const hosts = host.filter(isCallable).map(info => this.#copied(info, statsByHost));
    this.#countHosts(hosts.length);
    const copy = new RouteCopy(version, hosts, this.#moduleStats, this.#random);
    this.#statsByHost = statsByHost;
    this.#copy = copy.isEmpty ? undefined : copy;
  }

  #countHosts(hosts: number): void {
    this.#deps.addHosts(hosts - this.#copiedHosts);
    this.#copiedHosts = hosts;
  }

  #copied(info: HostInfo, statsByHost: Map<HostKey, HostStats>): CopiedHost {
    const key = hostKey(info);
    const { ip, port, addr } = info;
    const stats = this.#statsByHost.get(key) ?? new HostStats({ ip, port, addr }, this);
    statsByHost.set(key, stats);
    const host = new LarsHost(this.modid, this.cmdid, info, stats);
    return { host, promise: Promise.resolve(host), stats };
  }
}
