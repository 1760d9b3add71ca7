// pure
import type { HostInfo } from '@lars/proto';
import { seed } from '@lars/proto/prng';
import type { AdaptiveCause, BalancerDeps, Transition } from '../balancer.ts';
import { allHosts, type HostPool, hostsWhere } from '../host-pool.ts';
import { HostSlots } from '../host-slots.ts';
import { type FormerNumbers, HostTable, movedTo } from '../host-table.ts';
import { PastChanges } from '../host-views.ts';
import { CallsInFlight } from './calls-in-flight.ts';
import { perSecond } from './durations.ts';
import { Ejection } from './ejection.ts';
import { ErrorEvidence } from './error-evidence.ts';
import type { AdaptiveOptions } from './options.ts';
import type { ProbeBudget } from './probe-budget.ts';
import { Shedding } from './shedding-episode.ts';
import { ADAPTIVE_SLOTS, PICKED_TURN, PRNG_STATE, pickSlots, THROUGHPUT, TURN } from './slots.ts';
import type { Weights } from './weights.ts';

/** AD-21 (copies): the agent picks every call for this long after a sign of trouble. */
export const AGENT_PICK_MS = 5_000;

const NO_HOSTS = allHosts(0);
// Modules that have not shed, in which no call has failed, or no host was ejected share these: do not write to them.
export const NO_SHEDDING = new Shedding();
export const NO_FAILURES = new ErrorEvidence(0);
const NEVER_EJECTED: Readonly<Ejection> = new Ejection();

/**
 * What the adaptive algorithm knows of one module; the chapters of docs/load-balancing.md (choose.ts, learn.ts, detect.ts, recover.ts, shed.ts)
 * work on it. An agent may have a hundred thousand modules, so what only trouble needs is made when it comes.
 */
export class ModuleState {
  readonly table = new HostTable();
  readonly slots = new HostSlots(ADAPTIVE_SLOTS);
  readonly inFlight = new CallsInFlight(this.slots);
  /** Hosts that may be called, in the agent's zone and elsewhere. */
  localZone = NO_HOSTS;
  otherZones = NO_HOSTS;
  /** Hosts that get probes alone. */
  ejected = NO_HOSTS;
  /** All hosts that do not drain, ejected ones included. */
  candidates = NO_HOSTS;
  evidence = NO_FAILURES;
  shedding = NO_SHEDDING;
  weights: Weights | undefined = undefined;
  probeBudget: ProbeBudget | undefined = undefined;
  changes: PastChanges | undefined = undefined;
  #ejections: (Ejection | undefined)[] | undefined = undefined;
  /** AD-21 (copies). In whole milliseconds, which V8 keeps without an object of their own. */
  agentPickUntilMs = 0;
  readonly options: AdaptiveOptions;
  readonly environment: BalancerDeps;

  constructor(options: AdaptiveOptions, environment: BalancerDeps) {
    this.options = options;
    this.environment = environment;
    this.slots.values[PRNG_STATE] = seed(environment.random);
  }

  /** Follows a change of the route: what is known of a host goes with it. */
  syncHosts(route: readonly HostInfo[]): FormerNumbers {
    const before = this.table.sync(route);
    this.slots.move(before);
    this.inFlight.move(before);
    this.changes?.move(before);
    this.#ejections = movedTo(before, this.#ejections);
    const { values } = this.slots;
    before.forEach((from, host) => {
      // A new host has its turn like one that was just picked, not like one that was passed over since the beginning.
      if (from === undefined) values[pickSlots(host) + PICKED_TURN] = values[TURN] as number;
    });
    return before;
  }

  /** AD-18 (draining hosts), AD-19 (zones): after a change of the route. */
  sortIntoPools(): void {
    const { table } = this;
    const poolOf = (belongs: (host: number) => boolean): HostPool =>
      hostsWhere(table.size, host => !table.at(host).drain && belongs(host));
    this.candidates = poolOf(() => true);
    this.ejected = poolOf(host => this.isEjected(host));
    this.localZone = poolOf(host => !this.isEjected(host) && this.isInLocalZone(host));
    this.otherZones = poolOf(host => !this.isEjected(host) && !this.isInLocalZone(host));
  }

  isEjected(host: number): boolean {
    return this.#ejections?.[host]?.isEjected === true;
  }

  /** What is known of the host's ejections, to read. */
  pastEjectionOf(host: number): Readonly<Ejection> {
    return this.#ejections?.[host] ?? NEVER_EJECTED;
  }

  /** The same to write to, made where there is none. */
  ejectionOf(host: number): Ejection {
    this.#ejections ??= new Array(this.table.size).fill(undefined);
    this.#ejections[host] ??= new Ejection();
    return this.#ejections[host];
  }

  /** AD-12 (probation): nothing speaks against the host any more. */
  endProbation(host: number): void {
    const ejection = this.#ejections?.[host];
    if (ejection !== undefined) ejection.onProbation = false;
  }

  /** At its best lately (durations.ts). */
  answersPerSec(host: number, nowMs: number): number {
    return perSecond(this.slots.values, this.slots.row(host) + THROUGHPUT, nowMs);
  }

  /** AD-19 (zones) */
  isInLocalZone(host: number): boolean {
    const { zone } = this.options;
    return zone === '' || this.table.at(host).zone === zone;
  }

  isInPool(host: number): boolean {
    return !this.table.at(host).drain && !this.isEjected(host);
  }

  /** AD-21 (copies) */
  requireAgentPick(nowMs: number, forMs = AGENT_PICK_MS): void {
    this.agentPickUntilMs = Math.max(this.agentPickUntilMs, Math.ceil(nowMs + forMs));
  }

  /** Tells of a change of sides, and remembers it for people. The listener comes last: whatever it asks or throws, the pools are in order. */
  emitChange(host: number, to: Transition['to'], cause: AdaptiveCause, numbers: Record<string, number>, nowMs: number): void {
    const transition: Transition = { host: this.table.at(host), to, cause, numbers };
    this.changes ??= new PastChanges();
    this.changes.remember(host, this.table.size, transition, nowMs);
    this.environment.onTransition(transition);
  }

  /** Tells of something that is no change of sides. */
  emit(host: HostInfo, to: Transition['to'], cause: AdaptiveCause, numbers: Record<string, number>): void {
    this.environment.onTransition({ host, to, cause, numbers });
  }
}
