// pure
/** The adaptive algorithm: the cheapest of a few random hosts, where the bad ones are not among them (docs/load-balancing.md). */
import type { HostInfo, HostKey } from '@lars/proto';
import { AdaptiveHosts } from './adaptive-hosts.ts';
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
import { type ChoosingModule, cheapest, findFrom, withRoom } from './choice.ts';
import { ErrorBaseline } from './error-baseline.ts';
import { chosen, everybody, type HostPool, joined, without } from './host-pool.ts';
import { fittingCalls, isOverfull } from './load-window.ts';
import { addDuration, believable, isSlowFailure, isTimeout, SLOWEST_MS, TYPICAL_MS, throughAfterMs } from './module-latency.ts';
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

const NOBODY = everybody(0);
// Modules share them that have not been overloaded, or in which no call has failed: do not write to them.
const NO_OVERLOAD = new Overload();
const NO_FAILURES = new ErrorBaseline();

class AdaptiveBalancer implements ExplainingBalancer, ChoosingModule {
  // Hosts that may be called, in the agent's zone and elsewhere, and those that are ejected. Draining ones are in no pool.
  #near = NOBODY;
  #far = NOBODY;
  #ejected = NOBODY;
  readonly table: AdaptiveHosts;
  // An agent may have a hundred thousand modules: what only trouble needs is made when it comes.
  overload = NO_OVERLOAD;
  weights: Weights | undefined = undefined;
  #budget: ProbeBudget | undefined = undefined;
  /** Those in the pools together. */
  #serving = NOBODY;
  #baseline = NO_FAILURES;
  /** In whole milliseconds, which V8 keeps without an object of their own. */
  #wantedUntilMs = 0;
  readonly #options: AdaptiveOptions;
  readonly #environment: BalancerEnvironment;

  constructor(options: AdaptiveOptions, environment: BalancerEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.table = new AdaptiveHosts(environment.random);
  }

  get algorithm(): 'adaptive' {
    return 'adaptive';
  }

  get hostCount(): number {
    return this.table.size;
  }

  get overloadedCount(): number {
    return this.#ejected.length;
  }

  /** AD-21 */
  wantsEveryCall(nowMs: number): boolean {
    // A copy of the route does not say which zone is near (AD-19).
    const zonesMatter = this.#near.length > 0 && this.#far.length > 0;
    return zonesMatter || this.#ejected.length > 0 || nowMs < this.#wantedUntilMs || this.overload.isRecent(nowMs);
  }

  setHosts(route: readonly HostInfo[], nowMs: number): void {
    const { table } = this;
    const isFirst = table.size === 0;
    const before = table.sync(route);
    // AD-15, AD-19
    if (!isFirst || this.#options.zone !== '')
      this.#startSlowly(
        before.flatMap((from, host) => (from === undefined ? host : [])),
        nowMs,
      );
    this.#sortIntoPools();
    this.weights = Weights.of(table, this.#serving, this.weights, nowMs);
    this.#spareOnlyHost(nowMs);
  }

  pick(nowMs: number, ipv4Only = false): HostInfo | undefined {
    const { table } = this;
    const near = ipv4Only ? table.ipv4Of(this.#near) : this.#near;
    const far = ipv4Only ? table.ipv4Of(this.#far) : this.#far;
    const ejected = ipv4Only ? table.ipv4Of(this.#ejected) : this.#ejected;
    const host =
      this.#dueProbe(ejected, nowMs) ?? withRoom(near, far, this, nowMs) ?? this.#withoutRoom(near, far, ejected, nowMs);
    if (host === undefined) return undefined;
    table.send(host, nowMs);
    this.weights?.countPick(nowMs);
    return table.at(host);
  }

  report(key: HostKey, ok: boolean, toldMs: number | undefined, nowMs: number, picked = true): boolean {
    const host = this.table.find(key);
    if (host === undefined) return false;
    this.table.countCall(host, ok, toldMs);
    if (!ok && this.#baseline === NO_FAILURES) this.#baseline = new ErrorBaseline();
    if (picked) this.#learn(host, ok, toldMs, nowMs);
    else this.#learnOfCopy(host, ok, toldMs, nowMs);
    if (this.#isTrouble(host, nowMs)) this.#wantEveryCall(nowMs);
    return true;
  }

  read(step: number): number {
    return step === 0 ? this.#near.length : this.table.read(step - 1);
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    this.table.takeCounts(visit);
  }

  hosts(): IterableIterator<HostView> {
    return this.table.views();
  }

  explain(nowMs: number): HostExplanation[] {
    const { table } = this;
    const stateOf = (host: number) => ({ state: table.stateOf(host), numbers: table.numbers(host, this.#baseline, nowMs) });
    return table.explain(stateOf, nowMs);
  }

  /** AD-10, AD-11: an ejected host that has waited for its pause, when a probe has been earned. */
  #dueProbe(ejected: HostPool, nowMs: number): number | undefined {
    if (this.#ejected.length === 0) return undefined;
    this.#budget ??= new ProbeBudget(this.#options.probeShare);
    const budget = this.#budget;
    budget.earn(this.#ejected.length, this.#serving.length);
    if (budget.isEmpty) return undefined;
    const host = findFrom(ejected, this.table, PROBE_LOOKS, one => this.table.ejectionOf(one).isProbeDue(nowMs));
    if (host === undefined) return undefined;
    budget.spend();
    return this.#probe(host, 'probe-due', nowMs);
  }

  /** AD-14, AD-17 */
  #withoutRoom(near: HostPool, far: HostPool, ejected: HostPool, nowMs: number): number | undefined {
    const isForced = this.#options.onAllOverloaded === 'all';
    if (isForced || !this.overload.isRecent(nowMs)) {
      const host = cheapest(near, this, true, nowMs) ?? cheapest(far, this, true, nowMs);
      if (host !== undefined) return host;
    }
    if (isForced) return cheapest(ejected, this, true, nowMs);
    return this.#options.onAllOverloaded === 'probe' ? this.#freeProbe(ejected, nowMs) : undefined;
  }

  /** AD-17: the refused call might as well be a probe. */
  #freeProbe(ejected: HostPool, nowMs: number): number | undefined {
    const { table } = this;
    const lostBeforeMs = table.lostBeforeMs(nowMs);
    const host = findFrom(ejected, table, FREE_PROBE_LOOKS, one => table.load(one, lostBeforeMs) === 0);
    return host === undefined ? undefined : this.#probe(host, 'none-left', nowMs);
  }

  #probe(host: number, cause: AdaptiveCause, nowMs: number): number {
    const ejection = this.table.ejectionOf(host);
    const numbers = {
      ejectedForMs: nowMs - ejection.startedMs,
      pauseMs: ejection.pauseMs,
      failuresInRow: ejection.failuresInRow,
    };
    this.table.countProbe(host);
    ejection.probeSent(this.#options, nowMs);
    this.#environment.onTransition({ host: this.table.at(host), to: 'probed', cause, numbers });
    return host;
  }

  #learn(host: number, ok: boolean, toldMs: number | undefined, nowMs: number): void {
    const { table } = this;
    const module = table.ownModule;
    const load = table.load(host, table.lostBeforeMs(nowMs));
    const tookMs = believable(table.settle(host, ok, toldMs, nowMs));
    addDuration(module, ok, tookMs);
    const isSlow = !ok && isSlowFailure(module, tookMs);
    const isBehind = isSlow && table.isBehind(host, tookMs, nowMs);
    table.learn(host, ok, isSlow, tookMs, this.#baseline, nowMs);
    if (ok) this.#onSuccess(host, tookMs, load, nowMs);
    const isAgain = isSlow && isTimeout(module, tookMs);
    const isFull = isBehind && isAgain && isOverfull(load, table.fittingCalls(host, tookMs, nowMs));
    if (isFull) this.#onOverload(host, tookMs, load, nowMs);
    if (!table.at(host).drain) this.#judge(host, ok, isBehind, tookMs, nowMs);
  }

  /** AD-21: nobody saw the call begin, nor what else was in flight then, and the report comes late, together with many others. */
  #learnOfCopy(host: number, ok: boolean, toldMs: number | undefined, nowMs: number): void {
    const { table } = this;
    table.countPick(host, nowMs);
    this.weights?.countPick(nowMs);
    const module = table.ownModule;
    const tookMs = toldMs === undefined ? undefined : believable(toldMs);
    if (tookMs !== undefined) addDuration(module, ok, tookMs);
    const isSlow = !ok && tookMs !== undefined && isSlowFailure(module, tookMs);
    const isBehind = isSlow && table.isBehind(host, tookMs, nowMs);
    table.learn(host, ok, isSlow, tookMs, this.#baseline, nowMs);
    if (isBehind) this.#wantEveryCall(nowMs);
    else if (this.#isInPool(host)) this.#weigh(host, ok, nowMs);
  }

  /** AD-21: will the host be ejected soon, or should it get clearly less than its share? */
  #isTrouble(host: number, nowMs: number): boolean {
    if (!this.#isInPool(host)) return false;
    const { table } = this;
    if (isDear(table.ownModule, table.priceMs(host, nowMs))) return true;
    return table.evidenceOf(host) >= TROUBLE_EVIDENCE * this.#baseline.limit;
  }

  #isInPool(host: number): boolean {
    return !this.table.at(host).drain && !this.table.isOverloaded(host);
  }

  #wantEveryCall(nowMs: number): void {
    this.#wantedUntilMs = Math.ceil(nowMs + WANTED_MS);
  }

  #onSuccess(host: number, tookMs: number, load: number, nowMs: number): void {
    const { module } = this.table;
    // AD-4
    this.table.load(host, nowMs - throughAfterMs(module));
    // AD-15
    if (tookMs < SOON_SHARE * (module[SLOWEST_MS] as number)) this.table.windowOf(host)?.grow(load);
  }

  /** AD-13 */
  #onOverload(host: number, tookMs: number, load: number, nowMs: number): void {
    const { table } = this;
    if (this.overload === NO_OVERLOAD) this.overload = new Overload();
    this.overload.see(tookMs, nowMs);
    const window = table.limitedWindow(host);
    const answersPerSec = table.answersPerSec(host, nowMs);
    if (!window.cut(tookMs, fittingCalls(answersPerSec, this.overload.targetMs), nowMs)) return;
    const numbers = { window: window.size, inFlight: load, answersPerSec, answerMs: table.answerMs(host), timeoutMs: tookMs };
    this.#tell(host, 'window-cut', 'overload', numbers, nowMs);
  }

  /** AD-7 to AD-12 */
  #judge(host: number, ok: boolean, isBehind: boolean, tookMs: number, nowMs: number): void {
    if (this.table.isOverloaded(host)) {
      const ejection = this.table.ejectionOf(host);
      // What was sent before the ejection says nothing new.
      if (nowMs - tookMs < ejection.startedMs) return;
      if (ok) this.#readmit(host, 'call-succeeded', tookMs, nowMs);
      else if (ejection.probing) ejection.probeFailed(this.#options, this.#environment.random, nowMs);
      return;
    }
    if (!isBehind) this.#weigh(host, ok, nowMs);
  }

  /** AD-6, AD-7 */
  #weigh(host: number, ok: boolean, nowMs: number): void {
    const baseline = this.#baseline;
    if (baseline !== NO_FAILURES) baseline.refresh(this.table, this.#serving, this.#environment.random);
    if (baseline.isShared && this.#ejected.length > 0) this.#spareAll(nowMs);
    const isConvicted = this.table.weigh(host, baseline.evidenceOf(ok), baseline.limit);
    // AD-9
    if (isConvicted && this.#serving.length > 1) this.#eject(host, nowMs);
  }

  #eject(host: number, nowMs: number): void {
    this.table.beginEjection(host).start(this.#options, this.#environment.random, nowMs);
    this.#near = without(this.#near, host);
    this.#far = without(this.#far, host);
    this.#ejected = joined(this.#ejected, host);
    this.#tell(host, 'overloaded', 'error-evidence', this.table.numbers(host, this.#baseline, nowMs), nowMs);
  }

  #readmit(host: number, cause: AdaptiveCause, tookMs: number, nowMs: number): void {
    const { startedMs, failuresInRow } = this.table.ejectionOf(host);
    this.table.beginProbation(host, tookMs, this.#baseline, nowMs);
    this.#wantEveryCall(nowMs);
    this.#ejected = without(this.#ejected, host);
    if (this.#isNear(host)) this.#near = joined(this.#near, host);
    else this.#far = joined(this.#far, host);
    this.#tell(host, 'idle', cause, { tookMs, ejectedForMs: nowMs - startedMs, failuresInRow }, nowMs);
  }

  /** AD-15 */
  #startSlowly(newHosts: readonly number[], nowMs: number): void {
    for (const host of newHosts) this.table.limitedWindow(host).startSlowly();
    if (newHosts.length > 0) this.#wantEveryCall(nowMs);
  }

  /** AD-9: where the others have left the route, the host that is left must do, as it is. */
  #spareOnlyHost(nowMs: number): void {
    const host = this.#serving[0];
    if (this.#serving.length !== 1 || host === undefined || !this.table.isOverloaded(host)) return;
    this.#readmit(host, 'only-host', this.table.module[TYPICAL_MS] as number, nowMs);
  }

  /** AD-9: all fail, and who was ejected first is no worse than the others. */
  #spareAll(nowMs: number): void {
    for (const host of this.#ejected) this.#readmit(host, 'all-err', this.table.module[TYPICAL_MS] as number, nowMs);
  }

  /** The listener comes last: whatever it asks or throws, the pools are in order. */
  #tell(host: number, to: Transition['to'], cause: AdaptiveCause, numbers: Record<string, number>, nowMs: number): void {
    const transition: Transition = { host: this.table.at(host), to, cause, numbers };
    this.table.remember(host, transition, nowMs);
    this.#environment.onTransition(transition);
  }

  /** AD-18, AD-19 */
  #sortIntoPools(): void {
    const { table } = this;
    const poolOf = (belongs: (host: number) => boolean) => chosen(table.size, host => !table.at(host).drain && belongs(host));
    this.#serving = poolOf(() => true);
    this.#ejected = poolOf(host => table.isOverloaded(host));
    this.#near = poolOf(host => !table.isOverloaded(host) && this.#isNear(host));
    this.#far = poolOf(host => !table.isOverloaded(host) && !this.#isNear(host));
  }

  /** AD-19 */
  #isNear(host: number): boolean {
    const { zone } = this.#options;
    return zone === '' || this.table.at(host).zone === zone;
  }
}
