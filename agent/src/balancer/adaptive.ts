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
import { ErrorBaseline } from './error-baseline.ts';
import { HostPool } from './host-pool.ts';
import { HostTable } from './host-table.ts';
import { believable, ModuleLatency } from './module-latency.ts';
import { Overload } from './overload.ts';
import { ProbeBudget } from './probe-budget.ts';
import { Weights } from './weights.ts';

export { ADAPTIVE_DEFAULTS, type AdaptiveOptions } from './adaptive-options.ts';

/** AD-1. Four do for equal hosts; six find the large ones among unequal hosts nearly as well as looking at all. */
const CHOICES = 6;
/** Where all that were drawn are full, so many more are looked at in a pick. */
const SECOND_LOOKS = 16;
/** AD-2: durations are told in whole milliseconds, and what lies below is noise: it must not pile all calls on one host. */
const PRICE_MIN_MS = 1;
/** So many ejected hosts are looked at in a pick for one whose probe is due. */
const PROBE_LOOKS = 4;
/** AD-15: an answer in less than this part of the slowest duration came soon. */
const SOON_SHARE = 1 / 3;

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
  readonly #weights = new Weights();
  readonly #budget: ProbeBudget;

  constructor(options: AdaptiveOptions, environment: BalancerEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#budget = new ProbeBudget(options.probeShare);
  }

  get hostCount(): number {
    return this.#table.size;
  }

  get overloadedCount(): number {
    return this.#ejected.size;
  }

  setHosts(hosts: readonly HostInfo[], nowMs: number): void {
    const isFirst = this.#table.size === 0;
    const { added, removed } = this.#table.sync(hosts, host => new AdaptiveHost(host));
    // AD-15, AD-19
    if (!isFirst || this.#options.zone !== '') for (const host of added) host.window.startSlowly();
    for (const host of removed) moveTo(undefined, host);
    for (const host of this.#table.values()) moveTo(this.#poolOf(host), host);
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

  report(key: HostKey, ok: boolean, toldMs: number | undefined, nowMs: number): boolean {
    const host = this.#table.get(key);
    if (host === undefined) return false;
    host.countCall(ok, toldMs);
    const latency = this.#latency;
    const load = host.load(latency.staleAfterMs, nowMs);
    const tookMs = believable(host.settle(ok, toldMs, latency.typicalMs, nowMs));
    latency.add(ok, tookMs);
    const isSlowFailure = !ok && latency.isSlowFailure(tookMs);
    const isBehind = isSlowFailure && host.isBehind(tookMs, nowMs);
    host.learn(ok, isSlowFailure, tookMs, this.#baseline.rate, nowMs);
    if (ok) this.#onSuccess(host, tookMs, load, nowMs);
    const isTimeout = isSlowFailure && latency.isTimeout(tookMs);
    if (isBehind && isTimeout && host.window.isOverfull(load, tookMs, nowMs)) this.#onOverload(host, tookMs, load, nowMs);
    if (!host.host.drain) this.#judge(host, ok, isBehind, tookMs, nowMs);
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
    return hosts.map(host => host.explain(stateOf(host), host.numbers(this.#latency, this.#baseline, nowMs), picks, nowMs));
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
      this.#cheapest(this.#near, false, nowMs) ??
      this.#cheapest(this.#far, false, nowMs) ??
      this.#anyWithRoom(this.#near, nowMs) ??
      this.#anyWithRoom(this.#far, nowMs)
    );
  }

  /** AD-14, AD-17 */
  #withoutRoom(nowMs: number): AdaptiveHost | undefined {
    const isForced = this.#options.onAllOverloaded === 'all';
    if (isForced || !this.#overload.isRecent(nowMs)) {
      const host = this.#cheapest(this.#near, true, nowMs) ?? this.#cheapest(this.#far, true, nowMs);
      if (host !== undefined) return host;
    }
    if (isForced) return this.#cheapest(this.#ejected, true, nowMs);
    return this.#options.onAllOverloaded === 'probe' ? this.#freeProbe(nowMs) : undefined;
  }

  /** AD-1 to AD-3. @param isForced whether hosts without room will do */
  #cheapest(pool: HostPool<AdaptiveHost>, isForced: boolean, nowMs: number): AdaptiveHost | undefined {
    let best: AdaptiveHost | undefined;
    let bestPrice = Number.POSITIVE_INFINITY;
    const choices = Math.min(CHOICES, pool.size);
    for (let drawn = 0; drawn < choices; drawn++) {
      const host = pool.draw(drawn, this.#environment.random);
      const load = host.load(this.#latency.staleAfterMs, nowMs);
      if (!isForced && !this.#hasRoom(host, load, nowMs)) continue;
      const price = this.#price(host, load, nowMs);
      if (price >= bestPrice) continue;
      best = host;
      bestPrice = price;
    }
    return best;
  }

  /** Looks on where the drawn ones are full: over a few picks at every host, but in none of them at all. */
  #anyWithRoom(pool: HostPool<AdaptiveHost>, nowMs: number): AdaptiveHost | undefined {
    if (pool.size <= CHOICES) return undefined;
    for (let looks = Math.min(SECOND_LOOKS, pool.size); looks > 0; looks--) {
      const host = pool.next();
      if (this.#hasRoom(host, host.load(this.#latency.staleAfterMs, nowMs), nowMs)) return host;
    }
    return undefined;
  }

  #hasRoom(host: AdaptiveHost, load: number, nowMs: number): boolean {
    const { window } = host;
    if (!window.limited) {
      if (!this.#overload.isRecent(nowMs)) return true;
      window.limit(this.#overload.targetMs, nowMs);
    }
    return window.hasRoom(load, this.#overload.targetMs, nowMs);
  }

  /** AD-2 */
  #price(host: AdaptiveHost, load: number, nowMs: number): number {
    const expectedMs = Math.max(PRICE_MIN_MS, host.expectedMs(this.#latency.typicalMs, nowMs));
    return this.#weights.differ ? this.#weights.price(host, expectedMs, load, nowMs) : expectedMs * (load + 1);
  }

  /** AD-17: the refused call might as well be a probe. */
  #freeProbe(nowMs: number): AdaptiveHost | undefined {
    for (let looks = Math.min(SECOND_LOOKS, this.#ejected.size); looks > 0; looks--) {
      const host = this.#ejected.next();
      if (host.load(this.#latency.staleAfterMs, nowMs) === 0) return this.#probe(host, 'none-left', nowMs);
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
    if (isBehind) return;
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
    moveTo(this.#ejected, host);
    this.#tell(host, 'overloaded', 'error-evidence', host.numbers(this.#latency, this.#baseline, nowMs), nowMs);
  }

  #readmit(host: AdaptiveHost, cause: AdaptiveCause, tookMs: number, nowMs: number): void {
    const { startedMs, failuresInRow } = host.ejection;
    host.beginProbation(tookMs, this.#baseline, nowMs);
    moveTo(this.#poolOf(host), host);
    this.#tell(host, 'idle', cause, { tookMs, ejectedForMs: nowMs - startedMs, failuresInRow }, nowMs);
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

function moveTo(pool: HostPool<AdaptiveHost> | undefined, host: AdaptiveHost): void {
  if (host.pool === pool) return;
  host.pool?.remove(host);
  host.pool = pool;
  pool?.add(host);
}

function stateOf(host: AdaptiveHost): string {
  if (host.host.drain) return 'draining';
  if (host.overloaded) return 'ejected';
  return host.onProbation ? 'probation' : 'idle';
}
