import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@lars/runtime/errors';
import { sampleSum } from '../../test/support/prometheus-text.ts';
import { MODIDS } from './caller-messages.ts';
import { type AllCounts, Callers } from './callers.ts';
import type { Fault } from './faults/fault.ts';
import { BusinessHost } from './hosts.ts';
import { type Bounds, brokenByGrowth, brokenByRound, type Footprint } from './promises.ts';
import { addedFigures, type Figures, roundFigures, type ThrownFault } from './round-result.ts';
import { readStoredCalls } from './stored-calls.ts';
import { NOISE, REPORT_TIMEOUT_SEC, SoakSystem } from './system.ts';

export interface SoakOptions {
  readonly folder: string;
  readonly minutes: number;
  /** Calls of all callers together. */
  readonly callsPerSec: number;
}

export interface SoakDeps {
  /** The faults in the order in which they are thrown, without end. */
  readonly faults: Iterator<Fault, never>;
  /** Random numbers of this round, uniform in [0, 1): the same ones whatever happened in the rounds before. */
  readonly randomOf: (round: number) => () => number;
  /** Takes a line about what happens. */
  readonly say: (line: string) => void;
}

export interface KindFigures {
  readonly fault: Fault;
  readonly figures: Figures;
}

export interface ProcessGrowth {
  readonly name: string;
  readonly begin: Footprint | undefined;
  readonly end: Footprint | undefined;
}

export interface SoakResult {
  /** In the order in which they were first thrown. */
  readonly kinds: readonly KindFigures[];
  readonly all: Figures;
  readonly growth: readonly ProcessGrowth[];
  /** Promises that were broken, a line each that names the fault. */
  readonly broken: readonly string[];
}

/** What an agent that is killed takes along, and a while for the way to the reporter (decision 13). */
const LOST_WITH_AGENT_MS = REPORT_TIMEOUT_SEC * 1_000 + 2_000;
/** Calm before a fault, in which its modules come to be called as in ordinary times, and the last results of the round before are stored. */
const CALM_MS = LOST_WITH_AGENT_MS + 500;
/** From the end of a fault until it can have had its consequences. */
const SETTLE_MS = 1_500;
/** So long may what is owed to one reporter wait for it: an agent looks every ten seconds whether it is back (decision 16). */
const OWED_MS = 30_000;
const POLL_MS = 100;
const HOSTS = 4;
/** No round is shorter. */
const SHORTEST_ROUND_MS = 5_000;
/** So many rounds begin in any case. */
const LEAST_ROUNDS = 2;

/** What the docs promise, with the patience of a busy machine. */
export function boundsAt(callsPerSec: number): Bounds {
  return {
    outageMs: 3_000,
    recoveryMs: 60_000,
    lostWithAgent: (callsPerSec * LOST_WITH_AGENT_MS) / 1_000,
    // Decision 12: of the last 10 ms; the results of calls that were picked from a copy are sent ten times a second.
    doubledByEnd: callsPerSec / 10,
    // What the reporter was storing when the file went, and what it stored until it noticed.
    doubledByMove: callsPerSec * (REPORT_TIMEOUT_SEC + 1),
    growthFactor: 2,
    growthBytes: 64 * 2 ** 20,
    growthDescriptors: 32,
  };
}

/** A system under load, at which faults are thrown one at a time. Everything that it starts is stopped when it resolves or rejects. */
export class SoakRun {
  readonly #options: SoakOptions;
  readonly #deps: SoakDeps;
  readonly #bounds: Bounds;
  readonly #system: SoakSystem;
  readonly #hosts = Array.from({ length: HOSTS }, () => new BusinessHost());
  readonly #spareHost = new BusinessHost();
  readonly #thrown: ThrownFault[] = [];
  readonly #broken: string[] = [];
  readonly #faultOf = new Map<string, Fault>();
  #callers: Callers | undefined;

  static async create(options: SoakOptions, deps: SoakDeps): Promise<SoakRun> {
    return new SoakRun(options, deps, await SoakSystem.create(options.folder));
  }

  private constructor(options: SoakOptions, deps: SoakDeps, system: SoakSystem) {
    this.#options = options;
    this.#deps = deps;
    this.#system = system;
    this.#bounds = boundsAt(options.callsPerSec);
  }

  async run(): Promise<SoakResult> {
    try {
      return await this.#run();
    } finally {
      this.abandon();
      await Promise.all([...this.#hosts, this.#spareHost].map(host => host.stop()));
    }
  }

  /** Kills all processes at once. */
  abandon(): void {
    this.#callers?.abandon();
    for (const service of this.#system.services) service.abandon();
  }

  async #run(): Promise<SoakResult> {
    const { minutes, callsPerSec } = this.#options;
    const services = this.#system.services;
    for (const host of [...this.#hosts, this.#spareHost]) await host.start();
    await this.#system.route(['--create', 'import', '-'], this.#allRoutes());
    await this.#system.start();
    if ((await this.#recovery()) === undefined) throw new Error('the services are not well though nothing was done to them');
    const callers = new Callers(this.#system.udpPort, callsPerSec);
    this.#callers = callers;
    const endMs = performance.now() + minutes * 60_000;
    let begin: readonly (Footprint | undefined)[] = [];
    for (let round = 1; this.#isComplete && (round <= LEAST_ROUNDS || performance.now() < endMs); round++) {
      await callers.beginRound(round);
      await sleep(CALM_MS);
      if (round === 1) begin = services.map(service => service.footprint());
      await this.#throwFault(round);
      await this.#settle();
    }
    const end = services.map(service => service.footprint());
    const growth = services.map(({ name }, at) => ({ name, begin: begin[at], end: end[at] }));
    const counts = await callers.stop();
    for (const service of [this.#system.agent, ...this.#system.dnsservers, ...this.#system.reporters]) await service.stop();
    return this.#result(counts, growth);
  }

  async #throwFault(round: number): Promise<void> {
    const { faults, randomOf, say } = this.#deps;
    const fault = faults.next().value;
    this.#faultOf.set(fault.kind, fault);
    const world = { system: this.#system, hosts: this.#hosts, spareHost: this.#spareHost, round, random: randomOf(round) };
    const beganMs = performance.now();
    let problem: string | undefined;
    try {
      await fault.run(world);
    } catch (error) {
      problem = messageOf(error);
    }
    const tookMs = performance.now() - beganMs;
    const recoveryMs = await this.#recovery();
    this.#thrown.push({ round, kind: fault.kind, recoveryMs, problem });
    const recovered = recoveryMs === undefined ? 'not well again' : `well again after ${(recoveryMs / 1_000).toFixed(1)} s`;
    say(
      `round ${round}: ${fault.kind}, ${(tookMs / 1_000).toFixed(1)} s, ${recovered}${problem === undefined ? '' : `; ${problem}`}`,
    );
  }

  /**
   * Waits until this round's results stand in a database, so that the next fault is not blamed for their loss, or they for its. What was sent to a
   * reporter that went away waits for that one.
   */
  async #settle(): Promise<void> {
    await sleep(SETTLE_MS);
    const beganMs = performance.now();
    while (this.#isComplete && performance.now() - beganMs < OWED_MS) {
      const samples = await this.#system.agent.metrics();
      if (samples.length > 0 && sampleSum(samples, 'lars_agent_reporter_waiting') === 0) return;
      await sleep(POLL_MS);
    }
    const { round, kind } = this.#thrown.at(-1) as ThrownFault;
    this.#broken.push(`${kind} (round ${round}): reports still wait for their reporter after ${OWED_MS / 1_000} s`);
  }

  /** A service that has ended by itself is not started again, and nothing is found out without it. */
  get #isComplete(): boolean {
    return this.#system.services.every(({ isRunning }) => isRunning);
  }

  /** How long it takes until all services are well, milliseconds; undefined when that is not in time. */
  async #recovery(): Promise<number | undefined> {
    const beganMs = performance.now();
    while (this.#isComplete && performance.now() - beganMs < this.#bounds.recoveryMs) {
      const well = await Promise.all(this.#system.services.map(service => service.isWell()));
      if (well.every(Boolean)) return performance.now() - beganMs;
      await sleep(POLL_MS);
    }
    return undefined;
  }

  #result({ rounds, droppedResults }: AllCounts, growth: readonly ProcessGrowth[]): SoakResult {
    const stored = readStoredCalls(this.#options.folder);
    const broken = [...this.#broken];
    const byKind = new Map<string, Figures[]>();
    for (const thrown of this.#thrown) {
      const { kind, round, problem } = thrown;
      const { allowance } = this.#faultOf.get(kind) as Fault;
      const figures = roundFigures(thrown, rounds, stored);
      byKind.set(kind, [...(byKind.get(kind) ?? []), figures]);
      const reasons = [...(problem === undefined ? [] : [problem]), ...brokenByRound(figures, allowance, this.#bounds)];
      for (const reason of reasons) broken.push(`${kind} (round ${round}): ${reason}`);
    }
    if (droppedResults > 0) broken.push(`the SDK dropped ${droppedResults} results`);
    for (const { name, begin, end } of growth)
      for (const reason of brokenByGrowth(begin, end, this.#bounds)) broken.push(`${name}: ${reason}`);
    for (const { troubles } of this.#system.services) broken.push(...troubles);
    const kinds = [...byKind].map(([kind, figures]) => ({
      fault: this.#faultOf.get(kind) as Fault,
      figures: addedFigures(figures),
    }));
    return { kinds, all: addedFigures(kinds.map(({ figures }) => figures)), growth, broken };
  }

  /** As `lars route import` takes them. */
  #allRoutes(): string {
    const rounds = Math.ceil((this.#options.minutes * 60_000) / SHORTEST_ROUND_MS) + LEAST_ROUNDS;
    const modules = Array.from({ length: rounds }, (_, at) => MODIDS.map(modid => `${modid},${at + 1}`)).flat();
    const lines = [...modules, `${NOISE.modid},${NOISE.cmdid}`].flatMap(module =>
      this.#hosts.map(({ address }) => `${module},${address}`),
    );
    return `${lines.join('\n')}\n`;
  }
}
