// pure
/**
 * How callers really use an agent. Each habit stands between the callers and a balancer, so that what the balancer is told differs from what
 * happened, or its answers are used in another way than it thinks.
 */
import type { HostInfo, HostKey } from '@lars/proto';
import type { Balancer, BalancerFactory, HostView } from '../../agent/src/balancer/balancer.ts';
import type { Contender } from './sim/contender.ts';

export const HABITS = {
  'failures only': reporting(() => (ok, tell) => ok || tell()),
  'successes only': reporting(() => (ok, tell) => ok && tell()),
  'one in ten': reporting(() => {
    let calls = 0;
    return (_ok, tell) => calls++ % 10 === 0 && tell();
  }),
  never: reporting(() => () => undefined),
  'always 1 ms': timing(() => 1),
  'always 0 ms': timing(() => 0),
  'whole milliseconds': timing(ms => ms && Math.max(1, Math.round(ms))),
  microseconds: timing(ms => ms && ms * 1_000),
  'no durations': timing(() => undefined),
  'keeps a host': create => environment => new KeptHost(create(environment)),
  'two seconds late': create => environment => new LateReports(create(environment)),
  // A process that hands its work over to a new one cancels what it has under way, and nobody reports these calls.
  'cancels a fifth': reporting(() => {
    let calls = 0;
    return (_ok, tell) => calls++ % 100 >= 20 && tell();
  }),
} as const satisfies Readonly<Record<string, Habit>>;

export type Habit = (create: BalancerFactory) => BalancerFactory;
export type HabitName = keyof typeof HABITS;
export const HABIT_NAMES = Object.keys(HABITS) as HabitName[];

/** The same algorithm, called by callers of this habit. */
export function withHabit(habit: Habit, contender: Contender): Contender {
  return { name: contender.name, create: (world, scenario) => habit(contender.create(world, scenario)) };
}

/** Decides for each report of one agent's callers whether to tell it. */
type ToldReports = (ok: boolean, tell: () => void) => unknown;

function reporting(makeRule: () => ToldReports): Habit {
  return create => environment => new FewReports(create(environment), makeRule());
}

function timing(told: (tcostMs: number | undefined) => number | undefined): Habit {
  return create => environment => new ToldDurations(create(environment), told);
}

/** Passes everything on. */
class Callers implements Balancer {
  protected readonly balancer: Balancer;

  constructor(balancer: Balancer) {
    this.balancer = balancer;
  }

  get hostCount(): number {
    return this.balancer.hostCount;
  }

  get ejectedCount(): number {
    return this.balancer.ejectedCount;
  }

  setHosts(hosts: readonly HostInfo[], nowMs: number): void {
    this.balancer.setHosts(hosts, nowMs);
  }

  pick(nowMs: number): HostInfo | undefined {
    return this.balancer.pick(nowMs);
  }

  report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number): boolean {
    return this.balancer.report(key, ok, tcostMs, nowMs);
  }

  takeCounts(visit: Parameters<Balancer['takeCounts']>[0]): void {
    this.balancer.takeCounts(visit);
  }

  hosts(): IterableIterator<HostView> {
    return this.balancer.hosts();
  }
}

class FewReports extends Callers {
  readonly #rule: ToldReports;

  constructor(balancer: Balancer, rule: ToldReports) {
    super(balancer);
    this.#rule = rule;
  }

  override report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number): boolean {
    this.#rule(ok, () => super.report(key, ok, tcostMs, nowMs));
    return true;
  }
}

class ToldDurations extends Callers {
  readonly #told: (tcostMs: number | undefined) => number | undefined;

  constructor(balancer: Balancer, told: (tcostMs: number | undefined) => number | undefined) {
    super(balancer);
    this.#told = told;
  }

  override report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number): boolean {
    return super.report(key, ok, this.#told(tcostMs), nowMs);
  }
}

const KEPT_FOR_CALLS = 20;

/** Asks once for twenty calls, and reports each of them. */
class KeptHost extends Callers {
  #host: HostInfo | undefined;
  #callsLeft = 0;

  override setHosts(hosts: readonly HostInfo[], nowMs: number): void {
    this.#callsLeft = 0;
    super.setHosts(hosts, nowMs);
  }

  override pick(nowMs: number): HostInfo | undefined {
    if (this.#callsLeft === 0 || this.#host === undefined) {
      this.#host = super.pick(nowMs);
      this.#callsLeft = KEPT_FOR_CALLS;
    }
    this.#callsLeft -= 1;
    return this.#host;
  }
}

const BUNCH_MS = 2_000;

/** Collects reports for two seconds, and tells them all at once. There is no timer: the next call of any kind does it. */
class LateReports extends Callers {
  #bunch: (() => void)[] = [];
  #fullAtMs = Number.POSITIVE_INFINITY;
  #nowMs = 0;

  override pick(nowMs: number): HostInfo | undefined {
    this.#flush(nowMs);
    return super.pick(nowMs);
  }

  override report(key: HostKey, ok: boolean, tcostMs: number | undefined, nowMs: number): boolean {
    this.#flush(nowMs);
    if (this.#bunch.length === 0) this.#fullAtMs = nowMs + BUNCH_MS;
    this.#bunch.push(() => super.report(key, ok, tcostMs, this.#nowMs));
    return true;
  }

  #flush(nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs < this.#fullAtMs) return;
    for (const tell of this.#bunch) tell();
    this.#bunch = [];
    this.#fullAtMs = Number.POSITIVE_INFINITY;
  }
}
