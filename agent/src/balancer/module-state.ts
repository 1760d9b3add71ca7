// pure
import type { HostInfo } from '@lars/proto';
import { AdaptiveHosts } from './adaptive-hosts.ts';
import type { AdaptiveOptions } from './adaptive-options.ts';
import type { AdaptiveCause, BalancerEnvironment, Transition } from './balancer.ts';
import { ErrorEvidence } from './error-evidence.ts';
import { chosen, everybody, type HostPool } from './host-pool.ts';
import type { ProbeBudget } from './probe-budget.ts';
import { Shedding } from './shedding.ts';
import type { Weights } from './weights.ts';

/** AD-21: every call is wanted for this long after a sign of trouble. */
export const WANTED_MS = 5_000;

const NOBODY = everybody(0);
// Modules that have not shed, or in which no call has failed, share these: do not write to them.
export const NO_SHEDDING = new Shedding();
export const NO_FAILURES = new ErrorEvidence(0);

/**
 * What the adaptive algorithm knows of one module; the chapters of docs/load-balancing.md (choose.ts, learn.ts, detect.ts, recover.ts, shed.ts)
 * work on it. An agent may have a hundred thousand modules, so what only trouble needs is made when it comes.
 */
export class ModuleState {
  /** Hosts that may be called, in the agent's zone and elsewhere. */
  near = NOBODY;
  far = NOBODY;
  /** Hosts that get probes alone. */
  ejected = NOBODY;
  /** All hosts that do not drain, ejected ones included. */
  candidates = NOBODY;
  readonly table: AdaptiveHosts;
  evidence = NO_FAILURES;
  shedding = NO_SHEDDING;
  weights: Weights | undefined = undefined;
  probeBudget: ProbeBudget | undefined = undefined;
  /** AD-21. In whole milliseconds, which V8 keeps without an object of their own. */
  wantedUntilMs = 0;
  readonly options: AdaptiveOptions;
  readonly environment: BalancerEnvironment;

  constructor(options: AdaptiveOptions, environment: BalancerEnvironment) {
    this.options = options;
    this.environment = environment;
    this.table = new AdaptiveHosts(environment.random);
  }

  /** AD-21 */
  wantEveryCall(nowMs: number, forMs = WANTED_MS): void {
    this.wantedUntilMs = Math.max(this.wantedUntilMs, Math.ceil(nowMs + forMs));
  }

  /** AD-18, AD-19: after a change of the route. */
  sortIntoPools(): void {
    const { table } = this;
    const poolOf = (belongs: (host: number) => boolean): HostPool =>
      chosen(table.size, host => !table.at(host).drain && belongs(host));
    this.candidates = poolOf(() => true);
    this.ejected = poolOf(host => table.isOverloaded(host));
    this.near = poolOf(host => !table.isOverloaded(host) && this.isNear(host));
    this.far = poolOf(host => !table.isOverloaded(host) && !this.isNear(host));
  }

  /** AD-19 */
  isNear(host: number): boolean {
    const { zone } = this.options;
    return zone === '' || this.table.at(host).zone === zone;
  }

  isInPool(host: number): boolean {
    return !this.table.at(host).drain && !this.table.isOverloaded(host);
  }

  /** Tells of a change of sides, and remembers it for people. The listener comes last: whatever it asks or throws, the pools are in order. */
  tellChange(host: number, to: Transition['to'], cause: AdaptiveCause, numbers: Record<string, number>, nowMs: number): void {
    const transition: Transition = { host: this.table.at(host), to, cause, numbers };
    this.table.remember(host, transition, nowMs);
    this.environment.onTransition(transition);
  }

  /** Tells of something that is no change of sides. */
  tell(host: HostInfo, to: Transition['to'], cause: AdaptiveCause, numbers: Record<string, number>): void {
    this.environment.onTransition({ host, to, cause, numbers });
  }
}
