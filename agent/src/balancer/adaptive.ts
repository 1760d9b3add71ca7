// pure
/** The adaptive algorithm: the cheapest of a few random hosts, where the bad ones are not among them (docs/load-balancing.md). */
import type { HostInfo, HostKey } from '@lars/proto';
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
import { Choice } from './choice.ts';
import { ErrorBaseline } from './error-baseline.ts';
import { HostPool } from './host-pool.ts';
import { HostTable } from './host-table.ts';
import { believable, ModuleLatency } from './module-latency.ts';
import { Overload } from './overload.ts';
import { PriceSpread } from './price-spread.ts';
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

class AdaptiveBalancer implements ExplainingBalancer {
  readonly algorithm = 'adaptive';
  readonly #options: AdaptiveOptions;
  readonly #environment: BalancerEnvironment;
  readonly #table = new HostTable<AdaptiveHost>();
  /** Hosts that may be called, in the agent's zone and elsewhere, and those that are ejected. Draining ones are in no pool. */
  readonly #near = new HostPool<AdaptiveHost>();
  readonly #far = new HostPool<AdaptiveHost>();
  readonly #ejected = new HostPool<AdaptiveHost>();
  /** Those in the pools together. */
  #serving: readonly AdaptiveHost[] = [];
  readonly #latency = new ModuleLatency();
  readonly #baseline = new ErrorBaseline();
  readonly #overload = new Overload();
  #wantedUntilMs = Number.NEGATIVE_INFINITY;
  readonly #spread = new PriceSpread();
  readonly #weights = new Weights();
  readonly #budget: ProbeBudget;
  readonly #choice: Choice;

  constructor(options: AdaptiveOptions, environment: BalancerEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#budget = new ProbeBudget(options.probeShare);
    this.#choice = new Choice(this.#latency, this.#overload, this.#weights, environment.random);
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
    return zonesMatter || this.#ejected.size > 0 || nowMs < this.#wantedUntilMs || this.#overload.isRecent(nowMs);
  }

  setHosts(hosts: readonly HostInfo[], nowMs: number): void {
    const isFirst = this.#table.size === 0;
    const { added, removed } = this.#table.sync(hosts, host => new AdaptiveHost(host));
    // AD-15, AD-19
    if (!isFirst || this.#options.zone !== '') this.#startSlowly(added, nowMs);
    for (const host of removed) host.moveTo(undefined);
    for (const host of this.#table.values()) host.moveTo(this.#poolOf(host));
    this.#serving = [...this.#table.values()].filter(host => !host.host.drain);
    this.#weights.setHosts(this.#serving);
    this.#spareOnlyHost(nowMs);
  }

  pick(nowMs: number): HostInfo | undefined {
    const host = this.#dueProbe(nowMs) ?? this.#withRoom(nowMs) ?? this.#withoutRoom(nowMs);
    if (host === undefined) return undefined;
    host.countPick(nowMs);
    this.#weights.countPick(nowMs);
    host.inFlight.add(nowMs);
    host.window.onSent(nowMs);
    return host.host;
  }

  report(key: HostKey, ok: boolean, toldMs: number | undefined, nowMs: number, picked = true): boolean {
    const host = this.#table.get(key);
    if (host === undefined) return false;
    host.countCall(ok, toldMs);
    if (picked) this.#learn(host, ok, toldMs, nowMs);
    else this.#learnOfCopy(host, ok, toldMs, nowMs);
    if (this.#isTrouble(host, nowMs)) this.#wantedUntilMs = nowMs + WANTED_MS;
    return true;
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    this.#table.takeCounts(visit);
  }

  hosts(): IterableIterator<HostView> {
    return this.#table.values();
  }

  explain(nowMs: number): HostExplanation[] {
    const hosts = [...this.#table.values()];
    const picks = hosts.reduce((sum, host) => sum + host.recentPicks(nowMs), 0);
    return hosts.map(host => host.explain(host.state, host.numbers(this.#latency, this.#baseline, nowMs), picks, nowMs));
  }

  /** AD-10, AD-11: an ejected host that has waited for its pause, when a probe has been earned. */
  #dueProbe(nowMs: number): AdaptiveHost | undefined {
    const ejected = this.#ejected;
    if (ejected.size === 0) return undefined;
    this.#budget.earn(ejected.size, this.#serving.length);
    if (this.#budget.isEmpty) return undefined;
    for (let looks = Math.min(PROBE_LOOKS, ejected.size); looks > 0; looks--) {
      const host = ejected.next();
      if (!host.ejection.isProbeDue(nowMs)) continue;
      this.#budget.spend();
      return this.#probe(host, 'probe-due', nowMs);
    }
    return undefined;
  }

  /** AD-1, AD-19: a near one if one has room, else a far one. */
  #withRoom(nowMs: number): AdaptiveHost | undefined {
    return (
      this.#choice.cheapest(this.#near, false, nowMs) ??
      this.#choice.cheapest(this.#far, false, nowMs) ??
      this.#choice.anyWithRoom(this.#near, nowMs) ??
      this.#choice.anyWithRoom(this.#far, nowMs)
    );
  }

  /** AD-14, AD-17 */
  #withoutRoom(nowMs: number): AdaptiveHost | undefined {
    const isForced = this.#options.onAllOverloaded === 'all';
    if (isForced || !this.#overload.isRecent(nowMs)) {
      const host = this.#choice.cheapest(this.#near, true, nowMs) ?? this.#choice.cheapest(this.#far, true, nowMs);
      if (host !== undefined) return host;
    }
    if (isForced) return this.#choice.cheapest(this.#ejected, true, nowMs);
    return this.#options.onAllOverloaded === 'probe' ? this.#freeProbe(nowMs) : undefined;
  }

  /** AD-17: the refused call might as well be a probe. */
  #freeProbe(nowMs: number): AdaptiveHost | undefined {
    for (let looks = Math.min(FREE_PROBE_LOOKS, this.#ejected.size); looks > 0; looks--) {
      const host = this.#ejected.next();
      if (host.load(nowMs - this.#latency.staleAfterMs) === 0) return this.#probe(host, 'none-left', nowMs);
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
    host.counts.probes += 1;
    ejection.probeSent(this.#options, nowMs);
    this.#environment.onTransition({ host: host.host, to: 'probed', cause, numbers });
    return host;
  }

  #learn(host: AdaptiveHost, ok: boolean, toldMs: number | undefined, nowMs: number): void {
    const latency = this.#latency;
    const load = host.load(nowMs - latency.staleAfterMs);
    const tookMs = believable(host.settle(ok, toldMs, latency.typicalMs, nowMs));
    latency.add(ok, tookMs);
    const isSlowFailure = !ok && latency.isSlowFailure(tookMs);
    const isBehind = isSlowFailure && host.isBehind(tookMs, nowMs);
    host.learn(ok, isSlowFailure, tookMs, this.#baseline.rate, nowMs);
    if (ok) this.#onSuccess(host, tookMs, load, nowMs);
    const isTimeout = isSlowFailure && latency.isTimeout(tookMs);
    if (isBehind && isTimeout && host.window.isOverfull(load, tookMs, nowMs)) this.#onOverload(host, tookMs, load, nowMs);
    if (!host.host.drain) this.#judge(host, ok, isBehind, tookMs, nowMs);
  }

  /** AD-21: nobody saw the call begin, nor what else was in flight then, and the report comes late, together with many others. */
  #learnOfCopy(host: AdaptiveHost, ok: boolean, toldMs: number | undefined, nowMs: number): void {
    host.countPick(nowMs);
    this.#weights.countPick(nowMs);
    const latency = this.#latency;
    const tookMs = toldMs === undefined ? undefined : believable(toldMs);
    if (tookMs !== undefined) latency.add(ok, tookMs);
    const isSlowFailure = !ok && tookMs !== undefined && latency.isSlowFailure(tookMs);
    const isBehind = isSlowFailure && host.isBehind(tookMs, nowMs);
    host.learn(ok, isSlowFailure, tookMs, this.#baseline.rate, nowMs);
    if (isBehind) this.#wantedUntilMs = nowMs + WANTED_MS;
    else if (!host.host.drain && !host.overloaded) this.#weigh(host, ok, nowMs);
  }

  /** AD-21: will the host be ejected soon, or should it get clearly less than its share? */
  #isTrouble(host: AdaptiveHost, nowMs: number): boolean {
    if (host.host.drain || host.overloaded) return false;
    const isDear = this.#spread.add(this.#choice.expectedMs(host, nowMs));
    return isDear || host.suspicion.evidence >= TROUBLE_EVIDENCE * this.#baseline.limit;
  }

  #onSuccess(host: AdaptiveHost, tookMs: number, load: number, nowMs: number): void {
    // AD-4
    host.inFlight.forgetBefore(nowMs - this.#latency.throughAfterMs);
    // AD-15
    if (tookMs < SOON_SHARE * this.#latency.slowestMs) host.window.grow(load);
  }

  /** AD-13 */
  #onOverload(host: AdaptiveHost, tookMs: number, load: number, nowMs: number): void {
    this.#overload.see(tookMs, nowMs);
    const { window } = host;
    const answersPerSec = window.answersPerSecond(nowMs);
    if (!window.cut(tookMs, this.#overload.targetMs, nowMs)) return;
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
    const isConvicted = host.suspicion.add(baseline.evidenceOf(ok), baseline.limit);
    if (host.suspicion.evidence === 0) host.onProbation = false;
    // AD-9
    if (isConvicted && this.#serving.length > 1) this.#eject(host, nowMs);
  }

  #eject(host: AdaptiveHost, nowMs: number): void {
    host.overloaded = true;
    host.onProbation = false;
    host.ejection.start(this.#options, this.#environment.random, nowMs);
    host.moveTo(this.#ejected);
    this.#tell(host, 'overloaded', 'error-evidence', host.numbers(this.#latency, this.#baseline, nowMs), nowMs);
  }

  #readmit(host: AdaptiveHost, cause: AdaptiveCause, tookMs: number, nowMs: number): void {
    const { startedMs, failuresInRow } = host.ejection;
    host.beginProbation(tookMs, this.#baseline, nowMs);
    this.#wantedUntilMs = nowMs + WANTED_MS;
    host.moveTo(this.#poolOf(host));
    this.#tell(host, 'idle', cause, { tookMs, ejectedForMs: nowMs - startedMs, failuresInRow }, nowMs);
  }

  /** AD-15 */
  #startSlowly(hosts: readonly AdaptiveHost[], nowMs: number): void {
    for (const { window } of hosts) window.startSlowly();
    if (hosts.length > 0) this.#wantedUntilMs = nowMs + WANTED_MS;
  }

  /** AD-9: where the others have left the route, the host that is left must do, as it is. */
  #spareOnlyHost(nowMs: number): void {
    const host = this.#serving[0];
    if (this.#serving.length !== 1 || host === undefined || !host.overloaded) return;
    this.#readmit(host, 'only-host', this.#latency.typicalMs, nowMs);
  }

  /** The listener comes last: whatever it asks or throws, the pools are in order. */
  #tell(host: AdaptiveHost, to: Transition['to'], cause: AdaptiveCause, numbers: Record<string, number>, nowMs: number): void {
    const transition: Transition = { host: host.host, to, cause, numbers };
    host.last = { transition, atMs: nowMs };
    this.#environment.onTransition(transition);
  }

  /** AD-18, AD-19 */
  #poolOf(host: AdaptiveHost): HostPool<AdaptiveHost> | undefined {
    if (host.host.drain) return undefined;
    if (host.overloaded) return this.#ejected;
    return this.#options.zone === '' || host.host.zone === this.#options.zone ? this.#near : this.#far;
  }
}
