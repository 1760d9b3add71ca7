// pure
/** Callers, agents and hosts in virtual time. */
import { type HostInfo, type HostKey, hostKey } from '@lars/proto';
import type { Balancer } from '../../../agent/src/balancer/balancer.ts';
import { Agenda } from './agenda.ts';
import { nextArrivalMs } from './arrivals.ts';
import type { Contender } from './contender.ts';
import { Fifo } from './fifo.ts';
import { type Random, randomStream } from './random.ts';
import { Outcome, RunLog } from './run-log.ts';
import type { Scenario } from './scenario.ts';
import type { SimHost } from './sim-host.ts';
import { World } from './world.ts';

/** Runs a scenario to its end: until every call is answered and every host has finished. Equal arguments give equal logs. */
export function simulate(scenario: Scenario, contender: Contender, seed: number): RunLog {
  return new Simulation(scenario, contender, seed).run();
}

/** One call of business code, with all that is left to chance drawn when it begins: no decision of a balancer changes it. */
interface Call {
  readonly id: number;
  readonly agent: Agent;
  readonly agentIndex: number;
  attempts: number;
}

interface Attempt {
  readonly call: Call;
  readonly host: SimHost;
  readonly sentMs: number;
  readonly chance: Chance;
  /** The caller has an answer, or has given up. */
  settled: boolean;
}

interface Chance {
  readonly work: number;
  readonly luck: number;
  readonly roundTripMs: number;
  readonly reportLost: boolean;
}

/**
 * What a caller asks for a host and tells how the call went. Here it is an agent's balancer itself; a cache that a client keeps in
 * front of its agent would be one more of these.
 */
type Agent = Pick<Balancer, 'pick' | 'report'>;

class Simulation {
  readonly #scenario: Scenario;
  readonly #agenda = new Agenda();
  readonly #log = new RunLog();
  readonly #world: World;
  /** In the order in which they were sent; some are settled. */
  readonly #unanswered = new Fifo<Attempt>();
  #watchesTimeouts = false;
  readonly #balancers: readonly Balancer[];
  readonly #hostByKey: ReadonlyMap<HostKey, SimHost>;
  readonly #arrivals: Random;
  readonly #chances: Random;
  /** Retries draw from a stream of their own: their number depends on the algorithm. */
  readonly #retryChances: Random;

  constructor(scenario: Scenario, contender: Contender, seed: number) {
    this.#scenario = scenario;
    this.#world = new World(scenario, this.#agenda, () => this.#publishRoute());
    this.#hostByKey = new Map(this.#world.hosts.map(host => [hostKey(host.info), host]));
    this.#arrivals = randomStream(seed, 'arrivals');
    this.#chances = randomStream(seed, 'chances');
    this.#retryChances = randomStream(seed, 'retries');
    const factory = contender.create(this.#world, scenario);
    this.#balancers = Array.from({ length: scenario.agents }, (_, agent) =>
      factory({
        random: randomStream(seed, `balancer ${agent}`),
        onTransition: transition => {
          if (transition.to === 'ejected') this.#recordEjection(transition.host);
        },
      }),
    );
  }

  run(): RunLog {
    this.#publishRoute();
    this.#planArrival();
    this.#agenda.run();
    this.#takeProbes();
    this.#log.busyMs = this.#world.hosts.map(host => host.busyMs);
    return this.#log;
  }

  /** Counts of hosts that leave the route would be lost, so they are taken first. */
  #publishRoute(): void {
    this.#takeProbes();
    const route = this.#world.route.map(host => host.info);
    for (const balancer of this.#balancers) balancer.setHosts(route, this.#agenda.nowMs);
  }

  #takeProbes(): void {
    for (const balancer of this.#balancers) {
      balancer.takeCounts((_host, _overloaded, counts) => {
        this.#log.probes += counts.probes;
      });
    }
  }

  #recordEjection(host: HostInfo): void {
    this.#log.ejectionMs.push(this.#agenda.nowMs);
    this.#log.ejectionHost.push(this.#find(host).index);
  }

  #planArrival(): void {
    const atMs = nextArrivalMs(this.#agenda.nowMs, this.#scenario.ratePerSec, this.#arrivals);
    if (atMs >= this.#scenario.durationMs) return;
    this.#agenda.at(atMs, () => {
      this.#beginCall();
      this.#planArrival();
    });
  }

  #beginCall(): void {
    const agentIndex = Math.floor(this.#arrivals() * this.#balancers.length);
    const agent = this.#balancers[agentIndex] as Agent;
    this.#attempt({ id: this.#log.beginCall(this.#agenda.nowMs), agent, agentIndex, attempts: 0 }, this.#draw(this.#chances));
  }

  #draw(random: Random): Chance {
    const { work, roundTrip, roundTripMs, reportLoss } = this.#scenario;
    return {
      work: work.sample(random),
      luck: random(),
      roundTripMs: roundTripMs * roundTrip.sample(random),
      reportLost: random() < reportLoss,
    };
  }

  #attempt(call: Call, chance: Chance): void {
    const nowMs = this.#agenda.nowMs;
    const picked = call.agent.pick(nowMs);
    call.attempts += 1;
    if (picked === undefined) {
      this.#refuse(call);
      return;
    }
    const host = this.#find(picked);
    this.#log.pickMs.push(nowMs);
    this.#log.pickHost.push(host.index);
    this.#log.pickAgent.push(call.agentIndex);
    this.#send({ call, host, sentMs: nowMs, chance, settled: false });
  }

  #send(attempt: Attempt): void {
    const { host, chance } = attempt;
    const halfMs = chance.roundTripMs / 2;
    host.expect();
    const answer = (ok: boolean) => this.#agenda.after(halfMs, () => this.#settle(attempt, ok));
    this.#agenda.after(halfMs, () => host.arrive({ work: chance.work, luck: chance.luck, answer }));
    this.#unanswered.push(attempt);
    if (!this.#watchesTimeouts) this.#watchTimeouts();
  }

  /**
   * All timeouts are equal, so they come in the order of the calls, and one look at a time is enough. With one for each call most of the agenda
   * would be looks at calls that were answered long ago.
   */
  #watchTimeouts(): void {
    let next = this.#unanswered.shift();
    while (next?.settled === true) next = this.#unanswered.shift();
    this.#watchesTimeouts = next !== undefined;
    if (next === undefined) return;
    const attempt = next;
    this.#agenda.at(attempt.sentMs + this.#scenario.timeoutMs, () => {
      this.#timeOut(attempt);
      this.#watchTimeouts();
    });
  }

  #timeOut(attempt: Attempt): void {
    if (attempt.settled) return;
    this.#log.timeouts += 1;
    this.#settle(attempt, false);
  }

  #settle(attempt: Attempt, ok: boolean): void {
    if (attempt.settled) return;
    attempt.settled = true;
    const { call, chance, host, sentMs } = attempt;
    const nowMs = this.#agenda.nowMs;
    const tcostMs = this.#scenario.reportsTcost ? nowMs - sentMs : undefined;
    if (!chance.reportLost) call.agent.report(hostKey(host.info), ok, tcostMs, nowMs);
    if (ok) this.#log.endCall(call.id, Outcome.ok, nowMs);
    else if (call.attempts <= this.#scenario.retries.limit) this.#retry(call);
    else this.#log.endCall(call.id, Outcome.failed, nowMs);
  }

  #retry(call: Call): void {
    const delayMs = this.#scenario.retries.backoffMs * (0.5 + this.#retryChances());
    this.#agenda.after(delayMs, () => this.#attempt(call, this.#draw(this.#retryChances)));
  }

  /** OVERLOAD asks callers to keep away for a while, so they do not try again. */
  #refuse(call: Call): void {
    const nowMs = this.#agenda.nowMs;
    const needless = this.#world.route.some(host => host.hasFreeWorker && !this.#world.isBroken(host, nowMs));
    if (needless) this.#log.needlessRefusals += 1;
    this.#log.endCall(call.id, Outcome.refused, nowMs);
  }

  #find(info: HostInfo): SimHost {
    const host = this.#hostByKey.get(hostKey(info));
    if (host === undefined) throw new Error(`the balancer named a host that no route has: ${JSON.stringify(info)}`);
    return host;
  }
}
