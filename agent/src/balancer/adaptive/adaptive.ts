// pure
/**
 * The adaptive algorithm (docs/load-balancing.md): the cheapest of a few random hosts, where the bad ones are not among them. Its rules stand
 * in the files of the page's chapters: choose.ts, learn.ts, detect.ts, recover.ts, shed.ts.
 */
import type { HostInfo, HostKey } from '@lars/proto';
import type {
  Balancer,
  BalancerFactory,
  EjectedHost,
  HostExplanation,
  HostView,
  ModuleBalancer,
  ModuleConduct,
  RefusalCause,
} from '../balancer.ts';
import type { HostPool } from '../host-pool.ts';
import { ejectedHosts, explain, recentPicks, takeCounts, viewsOf } from '../host-views.ts';
import { countedPicks, isInFlightKnown } from './calls-in-flight.ts';
import { pickCheapest, pickWithCapacity, recordPick } from './choose.ts';
import { agentPickMs } from './detect.ts';
import { ErrorEvidence } from './error-evidence.ts';
import { avoidedTimes, isInTrouble, numbersOf, stateOf } from './explain.ts';
import { learn, learnFromClientPick, tellsImpossible } from './learn.ts';
import { ModuleState, NO_FAILURES, NO_SHEDDING } from './module-state.ts';
import type { AdaptiveOptions } from './options.ts';
import { addResult } from './recent-results.ts';
import { dueProbe, freeProbe, readmitAll } from './recover.ts';
import { currentEpisode } from './shed.ts';
import type { Shedding } from './shedding-episode.ts';
import { LATE, NORMAL_MS, PRNG_STATE, RESULTS, TURN, UNPICKED, UNREPORTED } from './slots.ts';
import { Weights } from './weights.ts';

export { ADAPTIVE_DEFAULTS, type AdaptiveOptions } from './options.ts';

export function adaptiveBalancer(options: AdaptiveOptions): BalancerFactory<ModuleBalancer> {
  return environment => new AdaptiveBalancer(options, environment);
}

class AdaptiveBalancer extends ModuleState implements ModuleBalancer {
  refusalCause: RefusalCause = 'no-host';

  get algorithm(): 'adaptive' {
    return 'adaptive';
  }

  get hostCount(): number {
    return this.table.size;
  }

  get ejectedCount(): number {
    return this.ejected.length;
  }

  get healthyCount(): number {
    return this.localZone.length + this.otherZones.length;
  }

  ejectedHosts(nowMs: number): EjectedHost[] {
    return ejectedHosts(this.ejected, this.table, this.changes, nowMs);
  }

  /** AD-21 (copies) */
  requiresAgentPick(nowMs: number): boolean {
    // A copy of the route does not say which zone is near (AD-19 (zones)).
    const zonesMatter = this.localZone.length > 0 && this.otherZones.length > 0;
    return zonesMatter || this.ejected.length > 0 || nowMs < this.agentPickUntilMs || this.shedding.isRemembered(nowMs);
  }

  setHosts(route: readonly HostInfo[], nowMs: number): void {
    const isFirst = this.table.size === 0;
    const before = this.syncHosts(route);
    // AD-21 (copies): nobody knows yet how a new host does.
    if (!isFirst && before.includes(undefined)) this.requireAgentPick(nowMs);
    this.sortIntoPools();
    this.weights = Weights.of(this.table, this.slots, this.candidates, this.weights, nowMs);
    // AD-9 (ejection): where the others have left the route, those that are left must do.
    if (this.healthyCount === 0) readmitAll(this, 'none-left', nowMs);
  }

  pick(nowMs: number, ipv4Only = false): HostInfo | undefined {
    const { table } = this;
    const localZone = ipv4Only ? table.ipv4Of(this.localZone) : this.localZone;
    const otherZones = ipv4Only ? table.ipv4Of(this.otherZones) : this.otherZones;
    const ejected = ipv4Only ? table.ipv4Of(this.ejected) : this.ejected;
    const shedding = this.#sheddingThatLimits(nowMs);
    const host =
      (this.ejected.length > 0 ? dueProbe(this, ejected, nowMs) : undefined) ??
      this.#pickWithin(localZone, otherZones, shedding, nowMs) ??
      this.#pickWhenUnavailable(localZone, otherZones, ejected, nowMs);
    if (host === undefined) {
      if (shedding !== undefined) shedding.refused += 1;
      this.refusalCause = shedding === undefined ? 'no-host' : 'queue';
      return undefined;
    }
    recordPick(this, host, nowMs);
    return table.at(host);
  }

  look(nowMs: number, ipv4Only = false): HostInfo | undefined {
    const { table } = this;
    const { values } = this.slots;
    const [localZone, otherZones, ejected] = [this.localZone, this.otherZones, this.ejected].map(pool =>
      ipv4Only ? table.ipv4Of(pool) : pool,
    ) as [HostPool, HostPool, HostPool];
    const before = values[PRNG_STATE] as number;
    const host =
      this.#pickWithin(localZone, otherZones, this.#sheddingThatLimits(nowMs), nowMs) ??
      (this.options.onAllOverloaded === 'all' ? this.#pickWhenUnavailable(localZone, otherZones, ejected, nowMs) : undefined);
    values[PRNG_STATE] = before;
    return host === undefined ? undefined : table.at(host);
  }

  report(key: HostKey, ok: boolean, toldMs: number | undefined, nowMs: number, pickedByAgent = true): boolean {
    const host = this.table.find(key);
    if (host === undefined) return false;
    this.slots.countCall(host, ok, toldMs);
    const { values } = this.slots;
    addResult(values, this.slots.row(host) + RESULTS, ok);
    // Made at the first failure, to save memory; the picks until now count as successes.
    if (!ok && this.evidence === NO_FAILURES) this.evidence = new ErrorEvidence(values[TURN] as number);
    if (pickedByAgent) learn(this, host, ok, toldMs, nowMs);
    else learnFromClientPick(this, host, ok, toldMs, nowMs);
    const forMs = agentPickMs(this, host, nowMs);
    if (forMs > 0) this.requireAgentPick(nowMs, forMs);
    return true;
  }

  prefetch(step: number): number {
    if (step === 0) return this.localZone.length;
    return this.table.prefetch(step - 1) + this.slots.prefetch(step - 1, this.table.size);
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    takeCounts(this.table, this.slots, host => this.isEjected(host), visit);
  }

  hosts(): IterableIterator<HostView> {
    return viewsOf(this.table, host => this.isEjected(host));
  }

  explain(nowMs: number): HostExplanation[] {
    const allPicks = this.recentPicks(nowMs);
    const known = (host: number) => {
      const times = avoidedTimes(this, host, allPicks, nowMs);
      const state = { state: stateOf(this, host), numbers: numbersOf(this, host, nowMs) };
      return times === 0 ? state : { ...state, avoidedTimes: times };
    };
    return explain(this.table, this.slots, this.changes, known, nowMs);
  }

  recentPicks(nowMs: number): number {
    return recentPicks(this.table, this.slots, nowMs);
  }

  isInTrouble(nowMs: number): boolean {
    return isInTrouble(this, this.recentPicks(nowMs), nowMs);
  }

  explainModule(nowMs: number): ModuleConduct {
    const { values } = this.slots;
    return {
      picks: countedPicks(values),
      unreported: Math.round(values[UNREPORTED] as number),
      unpicked: Math.round(values[UNPICKED] as number),
      late: Math.round(values[LATE] as number),
      inFlightKnown: isInFlightKnown(values),
      impossibleDurations: tellsImpossible(values),
      normalMs: values[NORMAL_MS] as number,
      shedding: currentEpisode(this, nowMs)?.view(nowMs),
    };
  }

  /** The episode whose limits a pick keeps, if there is one. */
  #sheddingThatLimits(nowMs: number): Shedding | undefined {
    return this.shedding !== NO_SHEDDING && isInFlightKnown(this.slots.values) ? currentEpisode(this, nowMs) : undefined;
  }

  #pickWithin(localZone: HostPool, otherZones: HostPool, shedding: Shedding | undefined, nowMs: number): number | undefined {
    return shedding === undefined
      ? this.#pickCheapest(localZone, otherZones, nowMs)
      : pickWithCapacity(localZone, otherZones, this, shedding, nowMs);
  }

  #pickCheapest(localZone: HostPool, otherZones: HostPool, nowMs: number): number | undefined {
    return pickCheapest(localZone, this, undefined, nowMs) ?? pickCheapest(otherZones, this, undefined, nowMs);
  }

  /** AD-17 (none left): every host is ejected, or at its limit while the module sheds. */
  #pickWhenUnavailable(localZone: HostPool, otherZones: HostPool, ejected: HostPool, nowMs: number): number | undefined {
    const { onAllOverloaded } = this.options;
    if (onAllOverloaded === 'probe') return freeProbe(this, ejected, nowMs);
    if (onAllOverloaded === 'refuse') return undefined;
    return this.#pickCheapest(localZone, otherZones, nowMs) ?? pickCheapest(ejected, this, undefined, nowMs);
  }
}
