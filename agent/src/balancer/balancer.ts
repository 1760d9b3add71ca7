// pure
/**
 * What the agent asks of a load-balancing algorithm: one Balancer per module, owned by one shard thread. It knows only what
 * callers tell it. Pure: time comes in as `nowMs` (monotonic milliseconds), random numbers through the factory, and state moves
 * inside these calls alone; there is no timer.
 */
import type { HostInfo, HostKey } from '@lars/proto';

export interface Balancer {
  /**
   * Follows the route: keeps the state of hosts that stay (their weight and zone are taken over), adds new ones, forgets the
   * others. Hosts named twice count once, as named first. Counts of forgotten hosts are gone: take them first.
   */
  setHosts(hosts: readonly HostInfo[], nowMs: number): void;

  /**
   * The host to call now; undefined means OVERLOAD (or a module without hosts).
   * @param ipv4Only whether the caller understands neither names nor IPv6 addresses (`addr`); the hosts that have one are passed over then.
   */
  pick(nowMs: number, ipv4Only?: boolean): HostInfo | undefined;

  /**
   * How a call went. `tcostMs` is undefined where the caller did not time it.
   * @param pickedByAgent whether pick() chose the host (the default), or the caller did, from a copy of the route (AD-21)
   * @returns false when the module has no such host (any more); nothing is counted then
   */
  report(host: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number, pickedByAgent?: boolean): boolean;

  readonly hostCount: number;
  /** How many hosts get no ordinary calls now. */
  readonly ejectedCount: number;

  /**
   * Hands out what was counted since the last take and starts again from zero; hosts without any call or probe are left out.
   * The counts are the visitor's to keep.
   */
  takeCounts(visit: (host: HostInfo, isEjected: boolean, counts: HostCounts) => void): void;

  /** The hosts as they stand, for getRoute and for people who ask why; in no particular order. Borrowed: read them at once. */
  hosts(): IterableIterator<HostView>;
}

/** See ModuleBalancer.prefetch. */
export const PREFETCH_STEPS = 5;

/** A balancer that can be asked why; those that the agent runs can. */
export interface ModuleBalancer extends Balancer {
  /**
   * Reads what the next pick and report will read, step by step from 0 to below PREFETCH_STEPS: a step needs nothing but what those before it have
   * read. Changes nothing.
   * @returns a number that says nothing, so that the reading cannot be left out
   */
  prefetch(step: number): number;
  /** As the conf names it. */
  readonly algorithm: 'adaptive' | 'classic';
  /**
   * True while each call should be picked here: callers that pick from a copy of the route must ask for every host. Costs nothing, may be
   * asked for every request. It becomes false with time, also where no calls come (AD-21).
   */
  requiresAgentPick(nowMs: number): boolean;
  /** How many hosts get ordinary calls now. The others are ejected or drain. */
  readonly healthyCount: number;
  /** The hosts that get no ordinary calls now, and for how long each has been so; costs as much as there are of them. */
  ejectedHosts(nowMs: number): EjectedHost[];
  /** Why the last pick that gave no host gave none. */
  readonly refusalCause: RefusalCause;
  /** The host that a pick would most likely give, but for probes. Nothing is counted, and it may be asked as often as anybody likes. */
  look(nowMs: number, ipv4Only?: boolean): HostInfo | undefined;
  /** The hosts as they stand and why, for people; as long as the route, so not for every request. */
  explain(nowMs: number): HostExplanation[];
  /** What concerns the module as a whole, for people; undefined where the algorithm has nothing to say of it. */
  explainModule(nowMs: number): ModuleConduct | undefined;
  /** How many picks the last 10 to 20 seconds had. Makes no object: it is asked of all modules of an agent, one after the other. */
  recentPicks(nowMs: number): number;
  /** Whether a host is ejected, on probation or avoided, all hosts drain, or calls are refused. As cheap as recentPicks. */
  isInTrouble(nowMs: number): boolean;
}

/** `queue`: work waits at the hosts (AD-13). `no-host`: none may be called at all (AD-17, LB-5). */
export type RefusalCause = 'queue' | 'no-host';

/** How a module's calls are told of, and whether calls are refused. */
export interface ModuleConduct {
  /**
   * About the last thousand picks, the calls among them that nobody reported, the reports meanwhile that belonged to no pick, and those that came
   * long after their call had ended.
   */
  readonly picks: number;
  readonly unreported: number;
  readonly unpicked: number;
  readonly late: number;
  /** Whether picks and reports belong together; where they do not, calls in flight are left out of the decisions (AD-4). */
  readonly inFlightKnown: boolean;
  /** Whether callers tell durations that cannot be; they are left out of the decisions then (AD-5). */
  readonly impossibleDurations: boolean;
  /** Durations of the module's answers in quiet times, ms; 0 before the first. */
  readonly normalMs: number;
  /** Undefined while nothing is refused for a queue. */
  readonly shedding: SheddingView | undefined;
}

export interface SheddingView {
  readonly forMs: number;
  readonly refused: number;
  /** How long callers waited for the last call that was lost. */
  readonly timeoutMs: number;
}

export interface HostCounts {
  succ: number;
  err: number;
  /** Sum of the told durations, ms. */
  tcostMs: number;
  /** Picks that were made to learn whether an ejected host answers again; counted when picked. */
  probes: number;
}

/** One host as it stands, and why, for people. */
export interface HostExplanation {
  readonly host: HostInfo;
  /** 'healthy', 'ejected' or 'draining'; of `adaptive` also 'probation'. */
  readonly state: string;
  /** Its share of the module's picks in the last 10 to 20 seconds, 0..1. */
  readonly share: number;
  /** How many these were. */
  readonly picks: number;
  /** Set where the host may be called and gets far less than its share, because calls cost so many times more on it than on the cheap ones. */
  readonly avoidedTimes?: number;
  /** What the algorithm knows of it, by name. */
  readonly numbers: Readonly<Record<string, number>>;
  /** How it came to its state; undefined when it has always been in it. */
  readonly last: (PastTransition & { readonly rule: string }) | undefined;
}

export interface PastTransition extends Omit<Transition, 'host'> {
  readonly agoMs: number;
}

export interface EjectedHost {
  readonly host: HostInfo;
  readonly forMs: number;
}

export interface HostView {
  readonly host: HostInfo;
  readonly isEjected: boolean;
}

/** Something was decided about a host. Counted and logged once, with the numbers that caused it. */
export interface Transition {
  readonly host: HostInfo;
  /**
   * The side that it moved to; or what happened to it where it stands: it is being probed; a call that it lost begins an episode in which
   * the module refuses calls; that episode is over.
   */
  readonly to: 'healthy' | 'ejected' | 'probed' | 'shedding' | 'shedding-over';
  /** The rule that fired, as numbered in docs/load-balancing.md. */
  readonly cause: TransitionCause;
  readonly numbers: Readonly<Record<string, number>>;
}

/** Each cause with the rule that it stands for; docs/operations.md has a line for each. */
const CLASSIC_CAUSES = {
  'error-rate': 'LB-7',
  'failure-run': 'LB-7',
  'success-rate': 'LB-8',
  'success-run': 'LB-8',
  'window-error-rate': 'LB-9',
  'overload-timeout': 'LB-9',
} as const;
export type ClassicCause = keyof typeof CLASSIC_CAUSES;

const ADAPTIVE_CAUSES = {
  'error-evidence': 'AD-7',
  'all-err': 'AD-9',
  'probe-due': 'AD-11',
  'call-succeeded': 'AD-12',
  'standing-queue': 'AD-13',
  'quick-again': 'AD-13',
  'none-left': 'AD-17',
} as const;
export type AdaptiveCause = keyof typeof ADAPTIVE_CAUSES;

export type TransitionCause = ClassicCause | AdaptiveCause;
export const CAUSE_RULES: Readonly<Record<TransitionCause, string>> = { ...CLASSIC_CAUSES, ...ADAPTIVE_CAUSES };

export interface BalancerDeps {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly onTransition: (transition: Transition) => void;
}

/** Makes the balancer of one module. */
export type BalancerFactory<B extends Balancer = Balancer> = (environment: BalancerDeps) => B;
