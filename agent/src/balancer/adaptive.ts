// pure
/** The adaptive algorithm: the cheapest of a few random hosts, where the bad ones are not among them (docs/load-balancing.md). */
import type { HostInfo, HostKey } from '@lars/proto';
import { Dice } from '@lars/proto/dice';
import { AdaptiveHost } from './adaptive-host.ts';
import type { AdaptiveOptions } from './adaptive-options.ts';
import type {
  AdaptiveCause,
  Balancer,
  BalancerEnvironment,
  BalancerFactory,
  ExplainingBalancer,
  HostExplanation,
  HostView,
  Transition,
} from './balancer.ts';
import { anyWithRoom, type ChoosingModule, cheapest, expectedMs } from './choice.ts';
import { ErrorBaseline } from './error-baseline.ts';
import { HostPool } from './host-pool.ts';
import { HostTable } from './host-table.ts';
import { fittingCalls, isOverfull } from './load-window.ts';
import {
  addDuration,
  believable,
  isSlowFailure,
  isTimeout,
  type ModuleCells,
  SLOWEST_MS,
  staleAfterMs,
  TYPICAL_MS,
  throughAfterMs,
  UNMEASURED,
} from './module-latency.ts';
import { Overload } from './overload.ts';
import { isDear } from './price-spread.ts';
import { ProbeBudget } from './probe-budget.ts';
import { Weights } from './weights.ts';

export { ADAPTIVE_DEFAULTS, type AdaptiveOptions } from './adaptive-options.ts';

/** So many ejected hosts are looked at in a pick for one whose probe is due. */
const PROBE_LOOKS = 4;
/** AD-17: so many where nothing else is left. */
const FREE_PROBE_LOOKS = 16;
/** AD-15: an answer in less than this part of the slowest duration came soon. */
const SOON_SHARE = 1 / 3;
/** AD-21: two failures in a row of a good host, which may be the first of a dead one, reach this part of the limit; one does not. */
const TROUBLE_EVIDENCE = 0.5;
/** AD-21: every call is wanted for so long after a sign of trouble. */
const WANTED_MS = 5_000;

export function adaptiveBalancer(options: AdaptiveOptions): BalancerFactory<ExplainingBalancer> {
  return environment => new AdaptiveBalancer(options, environment);
}

/** What modules share that have no such hosts, and no overload so far. Nothing is ever put in. */
const NOBODY = new HostPool<AdaptiveHost>();
const NO_HOSTS: readonly AdaptiveHost[] = [];
const NO_OVERLOAD = new Overload();

class AdaptiveBalancer implements ExplainingBalancer, ChoosingModule {
  readonly #options: AdaptiveOptions;
  readonly #environment: BalancerEnvironment;
  readonly #table = new HostTable<AdaptiveHost>();
  /** Hosts that may be called, in the agent's zone and elsewhere, and those that are ejected. Draining ones are in no pool. */
  readonly #near = new HostPool<AdaptiveHost>();
  #far: HostPool<AdaptiveHost> = NOBODY;
  #ejected: HostPool<AdaptiveHost> = NOBODY;
  /** Those in the pools together. */
  #serving: readonly AdaptiveHost[] = NO_HOSTS;
  // An agent may have a hundred thousand modules: what only trouble needs is made when it comes.
  /** See module-latency.ts. */
  cells: ModuleCells = UNMEASURED;
  overload = NO_OVERLOAD;
  weights: Weights | undefined = undefined;
  readonly dice: Dice;
  readonly #baseline = new ErrorBaseline();
  #budget: ProbeBudget | undefined = undefined;
  /** In whole milliseconds, which V8 keeps without an object of their own. */
  #wantedUntilMs = 0;

  constructor(options: AdaptiveOptions, environment: BalancerEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.dice = new Dice(environment.random);
  }

  get algorithm(): 'adaptive' {
    return 'adaptive';
  }

  get hostCount(): number {
    return this.#table.size;
  }

  get overloadedCount(): number {
    return this.#ejected.size;
  }

  /** AD-21 */
  wantsEveryCall(nowMs: number): boolean {
    // A copy of the route does not say which zone is near (AD-19).
    const zonesMatter = this.#near.size > 0 && this.#far.size > 0;
    return zonesMatter || this.#ejected.size > 0 || nowMs < this.#wantedUntilMs || this.overload.isRecent(nowMs);
  }

  setHosts(hosts: readonly HostInfo[], nowMs: number): void {
    const isFirst = this.#table.size === 0;
    const { added, removed } = this.#table.sync(hosts, host => new AdaptiveHost(host));
    // AD-15, AD-19
    if (!isFirst || this.#options.zone !== '') this.#startSlowly(added, nowMs);
    for (const host of removed) host.moveTo(undefined);
    for (const host of this.#table.values()) host.moveTo(this.#poolOf(host));
    this.#near.trim();
    const all = this.#table.hosts;
    this.#serving = all.some(host => host.host.drain) ? all.filter(host => !host.host.drain) : all;
    this.weights = Weights.of(this.#serving, this.weights, nowMs);
    this.#spareOnlyHost(nowMs);
  }

  pick(nowMs: number): HostInfo | undefined {
    const host = this.#dueProbe(nowMs) ?? this.#withRoom(nowMs) ?? this.#withoutRoom(nowMs);
    if (host === undefined) return undefined;
    host.send(nowMs);
    this.weights?.countPick(nowMs);
    return host.host;
  }

  report(key: HostKey, ok: boolean, toldMs: number | undefined, nowMs: number, picked = true): boolean {
    const host = this.#table.get(key);
    if (host === undefined) return false;
    host.countCall(ok, toldMs);
    if (picked) this.#learn(host, ok, toldMs, nowMs);
    else this.#learnOfCopy(host, ok, toldMs, nowMs);
    if (this.#isTrouble(host, nowMs)) this.#wantedUntilMs = Math.ceil(nowMs + WANTED_MS);
    return true;
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    this.#table.takeCounts(visit);
  }

  hosts(): IterableIterator<HostView> {
    return this.#table.values();
  }

  explain(nowMs: number): HostExplanation[] {
    const stateOf = (host: AdaptiveHost) => ({ state: host.state, numbers: host.numbers(this.cells, this.#baseline, nowMs) });
    return this.#table.explain(stateOf, nowMs);
  }

  /** AD-10, AD-11: an ejected host that has waited for its pause, when a probe has been earned. */
  #dueProbe(nowMs: number): AdaptiveHost | undefined {
    const ejected = this.#ejected;
    if (ejected.size === 0) return undefined;
    this.#budget ??= new ProbeBudget(this.#options.probeShare);
    const budget = this.#budget;
    budget.earn(ejected.size, this.#serving.length);
    if (budget.isEmpty) return undefined;
    for (let looks = Math.min(PROBE_LOOKS, ejected.size); looks > 0; looks--) {
      const host = ejected.next();
      if (!host.ejection.isProbeDue(nowMs)) continue;
      budget.spend();
      return this.#probe(host, 'probe-due', nowMs);
    }
    return undefined;
  }

  /** AD-1, AD-19: a near one if one has room, else a far one. */
  #withRoom(nowMs: number): AdaptiveHost | undefined {
    return (
      cheapest(this.#near, this, false, nowMs) ??
      cheapest(this.#far, this, false, nowMs) ??
      anyWithRoom(this.#near, this, nowMs) ??
      anyWithRoom(this.#far, this, nowMs)
    );
  }

  /** AD-14, AD-17 */
  #withoutRoom(nowMs: number): AdaptiveHost | undefined {
    const isForced = this.#options.onAllOverloaded === 'all';
    if (isForced || !this.overload.isRecent(nowMs)) {
      const host = cheapest(this.#near, this, true, nowMs) ?? cheapest(this.#far, this, true, nowMs);
      if (host !== undefined) return host;
    }
    if (isForced) return cheapest(this.#ejected, this, true, nowMs);
    return this.#options.onAllOverloaded === 'probe' ? this.#freeProbe(nowMs) : undefined;
  }

  /** AD-17: the refused call might as well be a probe. */
  #freeProbe(nowMs: number): AdaptiveHost | undefined {
    for (let looks = Math.min(FREE_PROBE_LOOKS, this.#ejected.size); looks > 0; looks--) {
      const host = this.#ejected.next();
      if (host.load(nowMs - staleAfterMs(this.cells)) === 0) return this.#probe(host, 'none-left', nowMs);
    }
    return undefined;
  }

  #probe(host: AdaptiveHost, cause: AdaptiveCause, nowMs: number): AdaptiveHost {
    const { ejection } = host;
    const numbers = {
      ejectedForMs: nowMs - ejection.startedMs,
      pauseMs: ejection.pauseMs,
      failuresInRow: ejection.failuresInRow,
    };
    host.countProbe();
    ejection.probeSent(this.#options, nowMs);
    this.#environment.onTransition({ host: host.host, to: 'probed', cause, numbers });
    return host;
  }

  #learn(host: AdaptiveHost, ok: boolean, toldMs: number | undefined, nowMs: number): void {
    const cells = this.#ownCells();
    const load = host.load(nowMs - staleAfterMs(cells));
    const tookMs = believable(host.settle(ok, toldMs, cells[TYPICAL_MS] as number, nowMs));
    addDuration(cells, ok, tookMs);
    const isSlow = !ok && isSlowFailure(cells, tookMs);
    const isBehind = isSlow && host.isBehind(tookMs, nowMs);
    host.learn(ok, isSlow, tookMs, this.#baseline.rate, nowMs);
    if (ok) this.#onSuccess(host, tookMs, load, nowMs);
    const isAgain = isSlow && isTimeout(cells, tookMs);
    if (isBehind && isAgain && isOverfull(load, host.fittingCalls(tookMs, nowMs))) this.#onOverload(host, tookMs, load, nowMs);
    if (!host.host.drain) this.#judge(host, ok, isBehind, tookMs, nowMs);
  }

  /** AD-21: nobody saw the call begin, nor what else was in flight then, and the report comes late, together with many others. */
  #learnOfCopy(host: AdaptiveHost, ok: boolean, toldMs: number | undefined, nowMs: number): void {
    host.countPick(nowMs);
    this.weights?.countPick(nowMs);
    const cells = this.#ownCells();
    const tookMs = toldMs === undefined ? undefined : believable(toldMs);
    if (tookMs !== undefined) addDuration(cells, ok, tookMs);
    const isSlow = !ok && tookMs !== undefined && isSlowFailure(cells, tookMs);
    const isBehind = isSlow && host.isBehind(tookMs, nowMs);
    host.learn(ok, isSlow, tookMs, this.#baseline.rate, nowMs);
    if (isBehind) this.#wantedUntilMs = Math.ceil(nowMs + WANTED_MS);
    else if (!host.host.drain && !host.overloaded) this.#weigh(host, ok, nowMs);
  }

  /** AD-21: will the host be ejected soon, or should it get clearly less than its share? */
  #isTrouble(host: AdaptiveHost, nowMs: number): boolean {
    if (host.host.drain || host.overloaded) return false;
    const cells = this.#ownCells();
    if (isDear(cells, expectedMs(host, cells[TYPICAL_MS] as number, nowMs))) return true;
    return host.evidence >= TROUBLE_EVIDENCE * this.#baseline.limit;
  }

  #onSuccess(host: AdaptiveHost, tookMs: number, load: number, nowMs: number): void {
    // AD-4
    host.load(nowMs - throughAfterMs(this.cells));
    // AD-15
    if (tookMs < SOON_SHARE * (this.cells[SLOWEST_MS] as number)) host.window?.grow(load);
  }

  /** AD-13 */
  #onOverload(host: AdaptiveHost, tookMs: number, load: number, nowMs: number): void {
    if (this.overload === NO_OVERLOAD) this.overload = new Overload();
    this.overload.see(tookMs, nowMs);
    const window = host.limitedWindow();
    const answersPerSec = host.answersPerSec(nowMs);
    if (!window.cut(tookMs, fittingCalls(answersPerSec, this.overload.targetMs), nowMs)) return;
    const numbers = { window: window.size, inFlight: load, answersPerSec, answerMs: host.answerMs, timeoutMs: tookMs };
    this.#tell(host, 'window-cut', 'overload', numbers, nowMs);
  }

  /** AD-7 to AD-12 */
  #judge(host: AdaptiveHost, ok: boolean, isBehind: boolean, tookMs: number, nowMs: number): void {
    if (host.overloaded) {
      // What was sent before the ejection says nothing new.
      if (nowMs - tookMs < host.ejection.startedMs) return;
      if (ok) this.#readmit(host, 'call-succeeded', tookMs, nowMs);
      else if (host.ejection.probing) host.ejection.probeFailed(this.#options, this.#environment.random, nowMs);
      return;
    }
    if (!isBehind) this.#weigh(host, ok, nowMs);
  }

  /** AD-6, AD-7 */
  #weigh(host: AdaptiveHost, ok: boolean, nowMs: number): void {
    const baseline = this.#baseline;
    baseline.refresh(this.#serving, this.#environment.random);
    const isConvicted = host.weigh(baseline.evidenceOf(ok), baseline.limit);
    // AD-9
    if (isConvicted && this.#serving.length > 1) this.#eject(host, nowMs);
  }

  #eject(host: AdaptiveHost, nowMs: number): void {
    host.overloaded = true;
    host.ejection.start(this.#options, this.#environment.random, nowMs);
    host.moveTo(this.#poolOf(host));
    this.#tell(host, 'overloaded', 'error-evidence', host.numbers(this.cells, this.#baseline, nowMs), nowMs);
  }

  #readmit(host: AdaptiveHost, cause: AdaptiveCause, tookMs: number, nowMs: number): void {
    const { startedMs, failuresInRow } = host.ejection;
    host.beginProbation(tookMs, this.#baseline, nowMs);
    this.#wantedUntilMs = Math.ceil(nowMs + WANTED_MS);
    host.moveTo(this.#poolOf(host));
    this.#tell(host, 'idle', cause, { tookMs, ejectedForMs: nowMs - startedMs, failuresInRow }, nowMs);
  }

  /** AD-15 */
  #startSlowly(hosts: readonly AdaptiveHost[], nowMs: number): void {
    for (const host of hosts) host.limitedWindow().startSlowly();
    if (hosts.length > 0) this.#wantedUntilMs = Math.ceil(nowMs + WANTED_MS);
  }

  /** AD-9: where the others have left the route, the host that is left must do, as it is. */
  #spareOnlyHost(nowMs: number): void {
    const host = this.#serving[0];
    if (this.#serving.length !== 1 || host === undefined || !host.overloaded) return;
    this.#readmit(host, 'only-host', this.cells[TYPICAL_MS] as number, nowMs);
  }

  /** The listener comes last: whatever it asks or throws, the pools are in order. */
  #tell(host: AdaptiveHost, to: Transition['to'], cause: AdaptiveCause, numbers: Record<string, number>, nowMs: number): void {
    const transition: Transition = { host: host.host, to, cause, numbers };
    host.last = { transition, atMs: nowMs };
    this.#environment.onTransition(transition);
  }

  #ownCells(): number[] {
    if (this.cells === UNMEASURED) this.cells = UNMEASURED.slice();
    return this.cells as number[];
  }

  /** AD-18, AD-19 */
  #poolOf(host: AdaptiveHost): HostPool<AdaptiveHost> | undefined {
    if (host.host.drain) return undefined;
    if (host.overloaded) {
      if (this.#ejected === NOBODY) this.#ejected = new HostPool();
      return this.#ejected;
    }
    if (this.#options.zone === '' || host.host.zone === this.#options.zone) return this.#near;
    if (this.#far === NOBODY) this.#far = new HostPool();
    return this.#far;
  }
}
