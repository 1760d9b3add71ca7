/** One or several dnsservers and reporters over one database, some machines with an agent and callers each, and an administrator: everything that a seed plays with. */
import { type RunningAgent, startAgent } from '@lars/agent';
import { type RunningDnsserver, startDnsserver } from '@lars/dnsserver';
import { type RunningReporter, startReporter } from '@lars/reporter';
import { SharedCounters } from '@lars/runtime/counters';
// The scripts of the agent's threads tell how they begin, see host/thread-script.ts.
import '../../../agent/src/dns/dns-thread.ts';
import '../../../agent/src/report/report-thread.ts';
import '../../../agent/src/shard/shard-thread.ts';
import { type ShardCounter, shardCounters } from '../../../agent/src/counters.ts';
import { AnswerCheck, isAgentPort } from './checks/answer-check.ts';
import { checkClient, checkDnsserver, checkProcess, checkReporter } from './checks/bounds-check.ts';
import { LinkCheck } from './checks/link-check.ts';
import { ReportLedger } from './checks/report-ledger.ts';
import { ResultCheck } from './checks/result-check.ts';
import { type Fault, MAX_HANG_MS, type Plan } from './faults.ts';
import { tapConnections } from './host/connection.ts';
import { Disk } from './host/disk.ts';
import { kernel } from './host/kernel.ts';
import { Machine } from './host/machine.ts';
import { network } from './host/network.ts';
import type { ProcessEnd, SimulatedProcess } from './host/process.ts';
import { tapThreads } from './host/worker-threads.ts';
import { Administrator } from './parts/administrator.ts';
import { Caller } from './parts/caller.ts';
import { agentConfig, dnsserverConfig, REPORTER_PORT, reporterConfig } from './parts/cluster-config.ts';
import { SimulatedService } from './parts/service.ts';

export interface AgentMachine {
  readonly machine: Machine;
  readonly agent: SimulatedService<RunningAgent>;
  readonly callers: readonly Caller[];
}

const CALLERS = 2;

/** Without these, every result of a caller reaches its agent. */
const MAY_LOSE_RESULTS: ReadonlySet<Fault> = new Set([
  'agent killed',
  'agent power cut',
  'agent stopped',
  'caller killed',
  'thread dies',
  'process hangs',
  'datagrams troubled',
]);

/** Without these, a server answers and acknowledges soon. */
const MAY_SILENCE_SERVERS: ReadonlySet<Fault> = new Set([
  'dnsserver killed',
  'dnsserver stopped',
  'reporter killed',
  'reporter stopped',
  'thread dies',
  'process hangs',
  'network cut',
  'connections reset',
  'connections silent',
  'streams troubled',
  'database full',
  'database locked',
]);
/** With these, an agent may not have on its disk what it knew. */
const MAKES_FORGET: ReadonlySet<Fault> = new Set(['agent power cut', 'disk troubled']);

/** An agent gives up a link on which an answer is overdue. */
const GIVES_UP = /reconnecting: it does not/;

export class Cluster {
  readonly plan: Plan;
  /** The addresses of the machine that has the database, each of which can be cut off: they have one disk and one clock. */
  readonly servers: readonly Machine[];
  readonly dnsservers: readonly SimulatedService<RunningDnsserver>[];
  readonly reporters: readonly SimulatedService<RunningReporter>[];
  readonly agents: readonly AgentMachine[];
  readonly administrator: Administrator;
  readonly ledger = new ReportLedger(machine => this.#isStopping(machine));
  readonly links = new LinkCheck();
  readonly answers: AnswerCheck;
  readonly databases: { readonly routes: string; readonly reports: string };
  /** The threads that live, by their process. */
  readonly threads = new Set<SimulatedProcess>();
  readonly #withLostThread = new WeakSet<SimulatedProcess>();
  readonly #results: ResultCheck;
  readonly #shardCounters = new Map<SimulatedProcess, Map<string, SharedArrayBuffer>>();

  /** @param folder for the databases, which are real files */
  constructor(plan: Plan, folder: string) {
    this.plan = plan;
    this.#results = new ResultCheck(plan.faults.includes('process hangs') ? MAX_HANG_MS : 0);
    const routes = `${folder}/routes.db`;
    this.databases = { routes, reports: kernel.chance(0.5) ? routes : `${folder}/reports.db` };
    const disk = new Disk();
    this.servers = Array.from({ length: Math.max(plan.dnsservers, plan.reporters) }, (_, at) =>
      this.#newMachine(`server${at + 1}`, serverIp(at), disk),
    );
    this.administrator = new Administrator(routes, this.servers[0] as Machine, plan.modules);
    this.dnsservers = this.servers.slice(0, plan.dnsservers).map(
      (machine, at) =>
        new SimulatedService(`dnsserver${at + 1}`, machine, {
          start: log => startDnsserver(dnsserverConfig(routes, plan.pollIntervalMs), { log }),
        }),
    );
    this.reporters = this.servers.slice(0, plan.reporters).map(
      (machine, at) =>
        new SimulatedService(`reporter${at + 1}`, machine, {
          start: log => startReporter(reporterConfig(this.databases.reports, plan), { log }),
        }),
    );
    this.agents = Array.from({ length: plan.agents }, (_, at) => this.#newAgentMachine(at + 1));
    this.answers = new AnswerCheck({
      wasPublished: (modid, cmdid, authority) => this.administrator.wasPublished(modid, cmdid, authority),
      isAlwaysThere: module => this.administrator.isAlwaysThere(module),
      isRemembered: !plan.faults.some(fault => MAKES_FORGET.has(fault)),
      isStopping: machine => this.#isStopping(machine),
      goesOnAtMs: machine => this.#goesOnAtMs(machine),
    });
    this.#watch();
  }

  get services(): readonly SimulatedService<RunningAgent | RunningDnsserver | RunningReporter>[] {
    return [...this.dnsservers, ...this.reporters, ...this.agents.map(({ agent }) => agent)];
  }

  get callers(): readonly Caller[] {
    return this.agents.flatMap(({ callers }) => callers);
  }

  start(): void {
    this.administrator.fill();
    for (const service of this.services) kernel.schedule(kernel.between(0, 2_000), undefined, () => service.start());
    for (const caller of this.callers) kernel.schedule(kernel.between(0, 3_000), undefined, () => caller.start());
  }

  /** What must be so at any moment. */
  check(): void {
    this.answers.check();
    for (const { process } of this.services) if (process !== undefined) checkProcess(process);
    for (const thread of this.threads) checkProcess(thread);
    const { modules, maxRows, dnsservers } = this.plan;
    // Of several dnsservers a quiet one is asked for a module that nobody else asks for.
    const signsOfLife = dnsservers > 1 ? 1 : 0;
    for (const { name, running, isStopping } of this.dnsservers)
      if (running !== undefined && !isStopping) checkDnsserver(name, running, modules + signsOfLife);
    for (const { name, running } of this.reporters) if (running !== undefined) checkReporter(name, running, maxRows);
    for (const caller of this.callers) {
      caller.check();
      if (caller.client !== undefined) checkClient('a caller', caller.client, modules);
    }
  }

  /** As `check`, but it reads the database, and is called less often. */
  checkAcks(): void {
    if (!this.reporters.some(({ isUp }) => isUp)) return;
    const problem = this.ledger.problemOfAcks(this.databases.reports);
    if (problem !== undefined) kernel.violate(problem);
  }

  /** Calls that the agent's shards have taken, of this run of the agent. */
  takenCalls(process: SimulatedProcess): number {
    return this.#sumOf(process, 'reportedCalls');
  }

  /** What is wrong with the results on their way from the callers to the shards, in one line. */
  problemOfResults(): string | undefined {
    const { faults } = this.plan;
    // A datagram that comes twice counts twice.
    if (faults.includes('datagrams troubled')) return undefined;
    const mustArrive = !faults.some(fault => MAY_LOSE_RESULTS.has(fault));
    for (const { machine } of this.agents) {
      const processes = [...this.#shardCounters.keys()].filter(process => process.machine === machine);
      const sum = (name: ShardCounter) => processes.reduce((calls, process) => calls + this.#sumOf(process, name), 0);
      const taken = { calls: sum('reportedCalls'), ofUnknown: sum('reportUnknownHost') + sum('reportUnknownModule') };
      const problem = this.#results.problem(machine, taken, mustArrive);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  hasLostThread(process: SimulatedProcess): boolean {
    return this.#withLostThread.has(process);
  }

  #newMachine(name: string, ip: string, disk = new Disk()): Machine {
    const machine = new Machine(name, ip, disk);
    network.add(machine);
    return machine;
  }

  #newAgentMachine(at: number): AgentMachine {
    const { plan } = this;
    const ip = `10.0.1.${at}`;
    const machine = this.#newMachine(`machine${at}`, ip);
    const preference = { dnsservers: orderOf(this.dnsservers, at), reporters: orderOf(this.reporters, at) };
    this.links.onAgent(machine, { dns: preference.dnsservers, reporter: preference.reporters });
    const ips = { dnsservers: ipsOf(preference.dnsservers), reporters: ipsOf(preference.reporters) };
    const agent = new SimulatedService<RunningAgent>(`agent${at}`, machine, {
      start: log => startAgent(agentConfig({ ...plan, ...ips, ip }), { log }),
      onBegin: process => process.atEnd(how => this.#onAgentEnd(process, how)),
      onLog: (process, event) => {
        if (event.startsWith('stopped before the reporter')) this.ledger.onToldLoss(process);
        if (GIVES_UP.test(event) && !plan.faults.some(fault => MAY_SILENCE_SERVERS.has(fault)))
          kernel.violate(`${process.name}: ${event}, though nothing has happened to it`);
      },
    });
    const { modules } = this.administrator;
    const options = { modules, pauseMs: plan.callPauseMs, hasCache: plan.hasCache, errorShare: plan.errorShare };
    const deps = { onPick: this.#checkPick.bind(this), onReport: (from: Machine) => this.#results.onReported(from) };
    const callers = Array.from({ length: CALLERS }, (_, i) => new Caller(`caller${at}.${i + 1}`, machine, options, deps));
    return { machine, agent, callers };
  }

  #checkPick({ modid, cmdid, authority }: { readonly modid: number; readonly cmdid: number; readonly authority: string }): void {
    if (this.administrator.wasPublished(modid, cmdid, authority)) return;
    kernel.violate(`${kernel.current?.name} picks ${authority} for ${modid}/${cmdid}, which was never published`);
  }

  #onAgentEnd(process: SimulatedProcess, how: ProcessEnd): void {
    this.answers.onAgentEnd(process.machine, how === 'stopped');
    if (how !== 'stopped' || this.hasLostThread(process)) return;
    const [taken, handedOver] = [this.takenCalls(process), this.ledger.handedOverBy(process)];
    if (taken !== handedOver)
      kernel.violate(`${process.name} has taken ${taken} calls, and handed over ${handedOver} when it stopped`);
  }

  #sumOf(process: SimulatedProcess, name: ShardCounter): number {
    let sum = 0;
    for (const buffer of this.#shardCounters.get(process)?.values() ?? [])
      sum += new SharedCounters(shardCounters, buffer).get(name);
    return sum;
  }

  #isStopping(machine: Machine): boolean {
    return this.agents.some(each => each.machine === machine && each.agent.isStopping);
  }

  #goesOnAtMs(machine: Machine): number {
    const stalls = [...this.threads].filter(thread => thread.machine === machine).map(thread => thread.goesOnAtMs);
    return Math.max(0, ...stalls);
  }

  #watch(): void {
    const { ledger, answers } = this;
    network.taps = {
      onSent: (from, to, bytes) => answers.onSent(from, to, bytes),
      onRead: (from, to, bytes) => {
        answers.onRead(from, to, bytes);
        if (isAgentPort(to.port)) this.#results.onRead(from, bytes);
      },
      onRefused: socket => this.#results.onRefused(socket),
    };
    tapConnections({
      onClientBytes: (connection, bytes) => connection.port === REPORTER_PORT && ledger.onClientBytes(connection, bytes),
      onServerBytes: (connection, bytes) => connection.port === REPORTER_PORT && ledger.onServerBytes(connection, bytes),
    });
    tapThreads({
      onThread: (thread, data) => this.#onThread(thread, data as ThreadStart),
      onMessage: (thread, message) => {
        const { type, reports } = message as {
          readonly type: string;
          readonly reports: Parameters<ReportLedger['onHandedOver']>[1];
        };
        if (type === 'status-reports') ledger.onHandedOver(thread, reports);
      },
    });
  }

  #onThread(thread: SimulatedProcess, { name, data }: ThreadStart): void {
    this.threads.add(thread);
    thread.atEnd(how => {
      this.threads.delete(thread);
      if (how !== 'stopped') this.#withLostThread.add(thread.main);
    });
    this.links.onThread(thread, name, data.gauges);
    if (name === 'reporter') this.ledger.onThread(thread, data.counters);
    if (!name.startsWith('shard')) return;
    // Whoever has asked a thread that dies gets no answer.
    thread.atEnd(how => how !== 'stopped' && this.answers.onThreadDeath(thread.machine));
    const counters = this.#shardCounters.get(thread.main) ?? new Map<string, SharedArrayBuffer>();
    this.#shardCounters.set(thread.main, counters);
    counters.set(name, data.counters);
  }
}

interface ThreadStart {
  readonly name: string;
  readonly data: { readonly counters: SharedArrayBuffer; readonly gauges: SharedArrayBuffer };
}

function serverIp(at: number): string {
  return `10.0.0.${at + 1}`;
}

/** Each agent prefers another server. */
function orderOf<Each>(services: readonly Each[], agent: number): readonly Each[] {
  const first = agent % services.length;
  return [...services.slice(first), ...services.slice(0, first)];
}

function ipsOf(services: readonly { readonly machine: Machine }[]): readonly string[] {
  return services.map(({ machine }) => machine.ip);
}
