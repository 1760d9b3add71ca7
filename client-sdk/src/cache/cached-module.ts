// pure
import {
  type BatchResult,
  type GetRouteResponse,
  type HostAddress,
  type HostInfo,
  type HostKey,
  hostKey,
  isCallable,
} from '@lars/proto';
import type { Xorshift32 } from '@lars/proto/prng';
import { LarsHost } from '../lars-host.ts';
import { HostStats, type StatsOwner } from './host-stats.ts';
import { ModuleStats } from './module-stats.ts';
import { recordPick } from './pick-record.ts';
import { REFRESH_MS, RefreshSchedule, UNCACHEABLE_MS } from './refresh.ts';
import { type CopiedHost, RouteCopy } from './route-copy.ts';
import { UnsentResults } from './unsent-results.ts';

/** The copy of a module that nobody called for this long is not refreshed any more; ... */
const UNUSED_MS = 10_000;
/** ... after this time the module is forgotten. */
export const FORGET_MS = 60_000;
/** After a sign of congestion the agent picks for this long: it must know what is in flight before the first call fails. */
export const CONGESTED_MS = 5_000;
/**
 * So many calls in this period of REFRESH_MS, or in the last one, open the copy. Below that asking the agent costs nothing worth mentioning,
 * and what this process sees of the hosts is too little to choose well.
 */
export const BUSY_CALLS = 10;
/** A host that costs more than this many times the typical duration is a reason to ask whether the agent wants to pick. */
const OUTLIER_FACTOR = 2;

/** What a cached module needs. */
export interface ModuleDeps {
  /** Sends results of calls that were picked from a copy. Batches must reach the agent in the order of these calls. */
  sendBatch(modid: number, cmdid: number, results: readonly BatchResult[]): void;
  /** Queries the route from the agent. Exactly one of the module's `onRoute` and `onNoRoute` must follow. */
  queryRoute(module: CachedModule, version: number): void;
  /** There was a failure: the module's `refreshNow` must be called at the end of this tick of the event loop. */
  scheduleFailureRefresh(module: CachedModule): void;
  /** The module's `refreshIfDue` must be called in MIN_REFRESH_GAP_MS. */
  scheduleRefresh(module: CachedModule): void;
  /** Whether all copies together may grow by this many hosts. */
  hasRoomFor(hosts: number): boolean;
  /** The module's copy has grown by this many hosts, or shrunk where the number is negative. */
  addHosts(hosts: number): void;
  /** Whether the client must do without the agent for this module. */
  isAgentAway(modid: number, cmdid: number): boolean;
  /** Whether the agent's server of this module answers nothing, so that a query would be in vain. */
  isAgentGone(modid: number, cmdid: number): boolean;
  /** The module is picked from its copy from now on: requests that were not sent yet need not be. */
  onOpened(module: CachedModule): void;
  /** Whether copies are picked from while the agent is there; without that they are kept for its absence alone. */
  readonly picksFromCopies: boolean;
  /** The caller's own zone, preferred while the agent is away; empty: zones do not matter. */
  readonly zone: string;
}

/** One module as one client knows it: a copy of its route, whether the copy may be picked from, and the results that are unsent. */
export class CachedModule implements StatsOwner {
  /** Counts the modules of a cache, so that they can be seen to in slices. */
  readonly number: number;
  readonly modid: number;
  readonly cmdid: number;
  readonly cache: object;
  readonly #deps: ModuleDeps;
  readonly #random: Xorshift32;
  readonly #stats = new ModuleStats();
  readonly #unsent = new UnsentResults();
  readonly #refresh = new RefreshSchedule();
  #hosts = new Map<HostKey, HostStats>();
  #copy: RouteCopy | undefined;
  #copiedHosts = 0;
  /** The agent has said that the client may pick from the copy. */
  #isCopyAllowed = false;
  /** The copy while the client picks from it; undefined while the agent picks. */
  #usable: RouteCopy | undefined;
  /** Calls in this period of REFRESH_MS, and in the last one. */
  #calls = 0;
  #lastCalls = 0;
  /** Those of #calls that were there when time was last told. */
  #seenCalls = 0;
  /** The agent had no hosts of the module when it last answered. */
  #isUnknown = false;
  #isForgotten = false;
  #isUsed = true;
  #usedAtMs: number;
  #hasPriceOutlier = false;
  #congestedUntilMs = Number.NEGATIVE_INFINITY;
  #fadeAtMs: number;
  #rotateAtMs: number;
  #giveUpAtMs: number;

  constructor(number: number, modid: number, cmdid: number, cache: object, deps: ModuleDeps, random: Xorshift32, nowMs: number) {
    this.number = number;
    this.modid = modid;
    this.cmdid = cmdid;
    this.cache = cache;
    this.#deps = deps;
    this.#random = random;
    this.#usedAtMs = nowMs;
    this.#fadeAtMs = nowMs + REFRESH_MS;
    this.#rotateAtMs = nowMs;
    this.#giveUpAtMs = nowMs + this.#stats.giveUpAfterMs;
  }

  /** Whether hosts are picked from the copy. */
  get isUsable(): boolean {
    return this.#usable !== undefined;
  }

  get unsentCount(): number {
    return this.#unsent.count;
  }

  /** A host of the copy; undefined when the agent must be asked. */
  pick(): CopiedHost | undefined {
    const usable = this.#usable;
    if (usable !== undefined) {
      this.#calls += 1;
      return usable.pick();
    }
    this.#isUsed = true;
    return undefined;
  }

  /** Whether there is a copy to pick from while the agent is away. */
  get hasCopy(): boolean {
    return this.#copy !== undefined;
  }

  /** A host of the copy, whether the agent wants to pick or not; undefined where there is no copy, or where the agent may be asked. */
  pickAlone(): CopiedHost | undefined {
    if (this.#copy === undefined || !this.#deps.isAgentAway(this.modid, this.cmdid)) return undefined;
    return this.pickUnasked();
  }

  /** As `pickAlone`, for a request that the agent has not answered. */
  pickUnasked(): CopiedHost | undefined {
    if (this.#copy === undefined) return undefined;
    this.#isUsed = true;
    this.#calls += 1;
    return this.#copy.pickAlone();
  }

  /** The agent is about to be asked for a host: the unsent results must reach it first. */
  beforeAgentPick(nowMs: number): void {
    this.#isUsed = true;
    this.#calls += 1;
    if (this.#calls === BUSY_CALLS && this.#usable === undefined) this.#open(nowMs);
    this.flush();
    this.#queryIfDue(nowMs);
  }

  /** The agent has picked this host. */
  onAgentPick(host: LarsHost, nowMs: number): void {
    const stats = this.statsOf(host.address);
    recordPick(host, 'agent', stats);
    if (stats !== undefined) stats.addCall();
    else if (this.#isUnknown) {
      // The agent has got the route since it last answered.
      this.#isUnknown = false;
      this.#refresh.expedite();
      this.#queryIfDue(nowMs);
    }
  }

  statsOf(address: HostAddress): HostStats | undefined {
    return this.#hosts.get(hostKey(address));
  }

  bufferResult(host: HostStats, ok: boolean, tcostMs: number): void {
    this.#learnResult(host, ok, tcostMs);
    if (ok) this.#unsent.addSuccess(host, tcostMs);
    else {
      this.#unsent.addFailure(host, tcostMs);
      this.#deps.scheduleFailureRefresh(this);
    }
    if (this.#isForgotten || this.#unsent.isFull) this.flush();
  }

  observeResult(host: HostStats, ok: boolean, tcostMs: number): void {
    this.#learnResult(host, ok, tcostMs);
    this.flush();
    if (!ok) this.#deps.scheduleFailureRefresh(this);
  }

  /** Sends the unsent results. */
  flush(): void {
    this.#unsent.flushTo(results => this.#deps.sendBatch(this.modid, this.cmdid, results));
  }

  /** Sends the agent a failure, and asks whether it wants to pick from now on. */
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
   * Takes the agent's answer. A copy is made only of a route with a version, because an agent without versions never says that it must
   * pick, and only of a whole one, because a host that is missing would never be called.
   * @param isWhole false when the answer may lack hosts for want of room
   */
  onRoute(answer: GetRouteResponse, isWhole: boolean, nowMs: number): void {
    // On the wire the flag has the name that agents of the first generation gave it.
    const { overload: agentPickOnly } = answer;
    const mayBeCopied = answer.version !== 0 && isWhole && this.#deps.hasRoomFor(answer.host.length - this.#copiedHosts);
    if (!answer.notModified) this.#replaceCopy(answer, mayBeCopied);
    else if (this.#copy?.version !== answer.version) this.#copy = undefined;
    this.#isUnknown = !answer.notModified && answer.host.length === 0;
    const isUncacheable = !mayBeCopied && answer.host.length > 0;
    const isForAbsence = !this.#deps.picksFromCopies && !this.#isUnknown;
    this.#refresh.onAnswer(nowMs, isUncacheable || isForAbsence ? UNCACHEABLE_MS : REFRESH_MS);
    if (this.#refresh.isRateLimited) this.#deps.scheduleRefresh(this);
    this.#isCopyAllowed = !agentPickOnly && mayBeCopied && this.#deps.picksFromCopies;
    const wasOpen = this.#usable !== undefined;
    this.#usable = undefined;
    this.#open(nowMs);
    if (this.isUsable && !wasOpen) this.#deps.onOpened(this);
  }

  /** Takes a route from elsewhere, to pick from while the agent is away. */
  onForeignRoute(route: GetRouteResponse): void {
    this.#isCopyAllowed = false;
    this.#usable = undefined;
    this.#replaceCopy(route, true);
  }

  /** The query got no answer. */
  onNoRoute(nowMs: number): void {
    this.#refresh.onNoAnswer(nowMs);
  }

  /** To be called every FLUSH_INTERVAL_MS. @returns false when nobody has used the module for long, and it must be forgotten */
  onTime(nowMs: number): boolean {
    this.flush();
    if (this.#isUsed || this.#calls !== this.#seenCalls) this.#usedAtMs = nowMs;
    this.#isUsed = false;
    this.#seenCalls = this.#calls;
    const unusedMs = nowMs - this.#usedAtMs;
    this.#isForgotten = unusedMs >= FORGET_MS;
    if (this.#isForgotten) return false;
    this.#updateStats(nowMs);
    const isAgentAway = this.#deps.isAgentAway(this.modid, this.cmdid);
    if (nowMs < this.#congestedUntilMs || this.#refresh.isOverdue(nowMs) || isAgentAway) this.#usable = undefined;
    // As soon as the agent is back, it is asked whether it has the route.
    if (isAgentAway) this.#refresh.expedite();
    if (this.#hasPriceOutlier && this.isUsable) this.#refresh.expedite();
    this.#hasPriceOutlier = false;
    if (unusedMs < UNUSED_MS) this.#queryIfDue(nowMs);
    return true;
  }

  /** The module was forgotten, and its copy is kept for the agent's absence. Now it is called again. */
  wake(nowMs: number): void {
    this.#isForgotten = false;
    this.#usedAtMs = nowMs;
    this.#usable = undefined;
  }

  /** Gives up its copy. */
  dropCopy(): void {
    this.#countHosts(0);
    this.#copy = undefined;
    this.#usable = undefined;
  }

  #learnResult(host: HostStats, ok: boolean, tcostMs: number): void {
    this.#stats.addResult(ok, tcostMs);
    host.endCall(ok, tcostMs, this.#stats);
    const { typicalMs } = this.#stats;
    if (typicalMs > 0 && host.priceMs > OUTLIER_FACTOR * typicalMs) this.#hasPriceOutlier = true;
  }

  get #isBusy(): boolean {
    return this.#calls >= BUSY_CALLS || this.#lastCalls >= BUSY_CALLS;
  }

  /** Picks from the copy from now on, if the agent allows it and there are enough calls. */
  #open(nowMs: number): void {
    if (!this.#isCopyAllowed || !this.#isBusy || nowMs < this.#congestedUntilMs || this.#refresh.isOverdue(nowMs)) return;
    this.#usable = this.#copy;
  }

  #queryIfDue(nowMs: number): void {
    if (!this.#refresh.isDue(nowMs) || this.#deps.isAgentGone(this.modid, this.cmdid)) return;
    this.#refresh.onQuerySent(nowMs);
    this.#deps.queryRoute(this, this.#copy?.version ?? 0);
  }

  #updateStats(nowMs: number): void {
    if (this.#stats.onInterval()) this.#congestedUntilMs = nowMs + CONGESTED_MS;
    if (nowMs >= this.#fadeAtMs) {
      this.#fadeAtMs = nowMs + REFRESH_MS;
      this.#lastCalls = this.#calls;
      this.#calls = 0;
      this.#seenCalls = 0;
      if (!this.#isBusy) this.#usable = undefined;
      this.#stats.updateBaseline();
      this.#copy?.fadePicks();
      for (const host of this.#hosts.values()) host.fadeStats(this.#stats);
    }
    if (nowMs >= this.#rotateAtMs) {
      const isGivenUp = nowMs >= this.#giveUpAtMs;
      this.#rotateAtMs = nowMs + this.#stats.presumedDoneAfterMs;
      if (isGivenUp) this.#giveUpAtMs = nowMs + this.#stats.giveUpAfterMs;
      for (const host of this.#hosts.values()) host.rotateCounts(isGivenUp);
    }
  }

  /** @param isComparable whether the copy may be kept when the agent says that its version is current */
  #replaceCopy({ version, host }: GetRouteResponse, isComparable: boolean): void {
    const hasRoom = this.#deps.hasRoomFor(host.length - this.#copiedHosts);
    const known = new Map<HostKey, HostStats>();
    const hosts = (hasRoom ? host : []).filter(isCallable).map(info => this.#copyHost(info, known));
    this.#countHosts(hosts.length);
    const copy = new RouteCopy(isComparable ? version : 0, hosts, this.#stats, this.#random, this.#deps.zone);
    this.#hosts = known;
    this.#copy = copy.isEmpty ? undefined : copy;
  }

  #countHosts(hosts: number): void {
    this.#deps.addHosts(hosts - this.#copiedHosts);
    this.#copiedHosts = hosts;
  }

  /** Keeps what is known of the host, and adds it to `known`. */
  #copyHost(info: HostInfo, known: Map<HostKey, HostStats>): CopiedHost {
    const key = hostKey(info);
    const { ip, port, addr } = info;
    const stats = this.#hosts.get(key) ?? new HostStats({ ip, port, addr }, this);
    known.set(key, stats);
    const host = new LarsHost(this.modid, this.cmdid, info);
    recordPick(host, 'client', stats);
    return { host, promise: Promise.resolve(host), stats };
  }
}
