/**
 * The books of the call statistics. What is promised, and checked:
 *
 *  - What the reporter has stored is exactly the reports up to the number that it says it has stored of each agent: none is missing, none
 *    counts twice, and no number names two reports.
 *  - What was acknowledged is stored.
 *  - An agent that runs, or was stopped in order, loses no call that its shards have handed over; one that was killed loses at most what was
 *    not acknowledged, and nothing is counted that was never handed over.
 *
 * The exceptions are those of decisions 4 and 13: a reporter that has never acknowledged is taken for one that never does, and a disk that
 * takes no writes keeps nothing.
 */
import { decodeBody, FrameDecoder, MessageId, type ReportStatusRequest } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { type ReporterCounter, reporterCounters } from '../../../../agent/src/counters.ts';
import type { StatusReport } from '../../../../agent/src/threads/messages.ts';
import { storedAgent } from '../../../../reporter/src/store/stored-agent.ts';
import type { Connection } from '../host/connection.ts';
import { kernel } from '../host/kernel.ts';
import type { Machine } from '../host/machine.ts';
import type { SimulatedProcess } from '../host/process.ts';
import { DatabaseReader } from './database-reader.ts';
import { RunCounters } from './run-counters.ts';
import { Tally } from './tally.ts';

/** One reporter thread of one agent. */
interface Run {
  readonly thread: SimulatedProcess;
  readonly handedOver: Tally;
  readonly counters: RunCounters<ReporterCounter>;
  readonly diskFailuresBefore: number;
  /** The reporters to which it has sent something, and those that have acknowledged something to it before it was asked to stop. */
  readonly sentTo: Set<Machine>;
  readonly ackedBy: Set<Machine>;
  /** Reports that it had given up before the last of these reporters acknowledged for the first time. */
  givenUpBefore: number;
  /** What it could not deliver when it stopped was not kept either, and its log has said so. */
  hasToldLoss: boolean;
}

interface SentReport {
  readonly body: Buffer;
  readonly tally: Tally;
}

interface AgentName {
  readonly machine: Machine;
  readonly reports: Map<number, SentReport>;
  ackedSeq: number;
}

export class ReportLedger {
  readonly #isStopping: (agent: Machine) => boolean;
  readonly #reader = new DatabaseReader();
  readonly #runs: Run[] = [];
  readonly #names = new Map<string, AgentName>();
  readonly #fromAgent = new WeakMap<Connection, FrameDecoder>();
  readonly #fromReporter = new WeakMap<Connection, FrameDecoder>();

  /** @param isStopping whether the agent of this machine was asked to stop */
  constructor(isStopping: (agent: Machine) => boolean) {
    this.#isStopping = isStopping;
  }

  /** A reporter thread begins. */
  onThread(thread: SimulatedProcess, buffer: SharedArrayBuffer): void {
    this.#runs.push({
      thread,
      handedOver: new Tally(),
      counters: new RunCounters(thread, new SharedCounters<ReporterCounter>(reporterCounters, buffer)),
      diskFailuresBefore: thread.machine.disk.failures,
      sentTo: new Set(),
      ackedBy: new Set(),
      givenUpBefore: 0,
      hasToldLoss: false,
    });
  }

  /** A shard's status reports have reached the thread. */
  onHandedOver(thread: SimulatedProcess, reports: readonly StatusReport[]): void {
    const run = this.#runOf(thread);
    for (const report of reports) run?.handedOver.addResults(report, report.results);
  }

  onClientBytes(connection: Connection, bytes: Uint8Array): void {
    const decoder = this.#fromAgent.get(connection) ?? new FrameDecoder();
    this.#fromAgent.set(connection, decoder);
    this.#runOf(connection.clientProcess)?.sentTo.add(connection.serverProcess.machine);
    decoder.push(bytes, (_, body) => this.#onReport(connection.clientProcess.machine, body));
  }

  onServerBytes(connection: Connection, bytes: Uint8Array): void {
    const decoder = this.#fromReporter.get(connection) ?? new FrameDecoder();
    this.#fromReporter.set(connection, decoder);
    decoder.push(bytes, (_, body) => this.#onAck(connection, body));
  }

  onToldLoss(process: SimulatedProcess): void {
    for (const run of this.#runs) if (run.thread.main === process) run.hasToldLoss = true;
  }

  /** How many calls agents have handed over so far. */
  get handedOverTotal(): number {
    return this.#runs.reduce((sum, { handedOver }) => sum + handedOver.total, 0);
  }

  handedOverBy(process: SimulatedProcess): number {
    return this.#runs.reduce((sum, { thread, handedOver }) => sum + (thread.main === process ? handedOver.total : 0), 0);
  }

  close(): void {
    this.#reader.close();
  }

  /** What is wrong with the reporter's database, in one line. */
  problem(file: string): string | undefined {
    const seqs = this.#readSeqs(file);
    return (
      this.#problemOfStore(this.#readHistory(file), seqs) ??
      this.#problemOfAcks(seqs) ??
      this.#problemOfMachines(seqs) ??
      this.#problemOfRuns()
    );
  }

  /** Whether something was acknowledged that is not stored, now. */
  problemOfAcks(file: string): string | undefined {
    return this.#problemOfAcks(this.#readSeqs(file));
  }

  #onReport(machine: Machine, body: Uint8Array): void {
    const report = decodeBody(MessageId.ReportStatusRequest, body);
    const name = this.#names.get(report.agent) ?? { machine, reports: new Map<number, SentReport>(), ackedSeq: 0 };
    this.#names.set(report.agent, name);
    const known = name.reports.get(report.seq);
    if (known === undefined) name.reports.set(report.seq, { body: Buffer.from(body), tally: tallyOf(report) });
    else if (!known.body.equals(body)) kernel.violate(`${report.agent} has two reports with the number ${report.seq}`);
  }

  #onAck({ clientProcess, serverProcess }: Connection, body: Uint8Array): void {
    const { agent, seq } = decodeBody(MessageId.ReportStatusAck, body);
    this.#noteAck(this.#runOf(clientProcess), serverProcess.machine);
    const name = this.#names.get(agent);
    if (name !== undefined) name.ackedSeq = Math.max(name.ackedSeq, seq);
    else if (seq > 0) kernel.violate(`reports of ${agent} are acknowledged, which has sent none`);
  }

  /** Of a reporter that has not acknowledged the agent may believe that it never does. At its end it waits for the first time less than a second. */
  #noteAck(run: Run | undefined, reporter: Machine): void {
    if (run === undefined || this.#isStopping(run.thread.machine)) return;
    if (!knowsReporters(run)) run.givenUpBefore = run.counters.get('unacknowledged');
    run.ackedBy.add(reporter);
  }

  #runOf(thread: SimulatedProcess): Run | undefined {
    return this.#runs.find(run => run.thread === thread);
  }

  #storedOf(name: AgentName, storedSeq: number): Tally {
    const tally = new Tally();
    for (const [seq, report] of name.reports) if (seq <= storedSeq) tally.addAll(report.tally);
    return tally;
  }

  /** The highest number that is stored of each agent. */
  #readSeqs(file: string): ReadonlyMap<string, number> {
    const names = new Map([...this.#names.keys()].map(agent => [storedAgent(agent), agent]));
    const agents = this.#reader.readAll<StoredSeq>(file, 'SELECT agent, seq FROM AgentReport');
    return new Map(agents.map(({ agent, seq }) => [names.get(agent) ?? agent, seq]));
  }

  #problemOfStore(stored: Tally, seqs: ReadonlyMap<string, number>): string | undefined {
    const expected = new Tally();
    for (const [agent, seq] of seqs) {
      const name = this.#names.get(agent);
      if (name === undefined) return `the reporter has stored reports of ${agent}, which has sent none`;
      expected.addAll(this.#storedOf(name, seq));
    }
    const twice = stored.excessOver(expected);
    if (twice !== undefined) return `calls are stored that no report has, or twice: ${twice}`;
    const missing = expected.excessOver(stored);
    return missing === undefined ? undefined : `calls of stored reports are missing: ${missing}`;
  }

  #readHistory(file: string): Tally {
    const stored = new Tally();
    for (const row of this.#reader.readAll<HistoryRow>(file, 'SELECT * FROM CallHistory'))
      stored.addResults(row, [{ ...row, overload: false, weight: 0, tcost: 0, probes: 0 }]);
    return stored;
  }

  #problemOfAcks(seqs: ReadonlyMap<string, number>): string | undefined {
    for (const [agent, { ackedSeq }] of this.#names) {
      const stored = seqs.get(agent) ?? 0;
      if (ackedSeq > stored) return `${agent}: reports up to ${ackedSeq} are acknowledged, and up to ${stored} stored`;
    }
    return undefined;
  }

  #problemOfMachines(seqs: ReadonlyMap<string, number>): string | undefined {
    for (const machine of new Set(this.#runs.map(({ thread }) => thread.machine))) {
      const stored = new Tally();
      for (const [agent, name] of this.#names)
        if (name.machine === machine) stored.addAll(this.#storedOf(name, seqs.get(agent) ?? 0));
      const [least, most] = [new Tally(), new Tally()];
      for (const run of this.#runs) {
        if (run.thread.machine !== machine) continue;
        most.addAll(run.handedOver);
        if (!mayLose(run)) least.addAll(run.handedOver);
      }
      const lost = least.excessOver(stored);
      if (lost !== undefined) return `${machine.name} has lost calls, though it was never killed meanwhile: ${lost}`;
      const twice = stored.excessOver(most);
      if (twice !== undefined) return `${machine.name} has more calls stored than it handed over: ${twice}`;
    }
    return undefined;
  }

  #problemOfRuns(): string | undefined {
    for (const run of this.#runs) {
      const { thread, counters, givenUpBefore, hasToldLoss, diskFailuresBefore } = run;
      const knowsAll = knowsReporters(run);
      if (knowsAll && counters.get('unacknowledged') > givenUpBefore)
        return `${thread.name} has given up reports, though its reporter acknowledges`;
      if (knowsAll && hasToldLoss && thread.machine.disk.failures === diskFailuresBefore)
        return `${thread.name} kept nothing, though its disk is well`;
      if (counters.get('dropped') > 0) return `${thread.name} has dropped reports`;
    }
    return undefined;
  }
}

/** Whether all reporters to which it has sent something have acknowledged. */
function knowsReporters({ sentTo, ackedBy }: Run): boolean {
  return sentTo.size > 0 && [...sentTo].every(reporter => ackedBy.has(reporter));
}

/** One that was killed loses what it had not told, and so does one that tells so. */
function mayLose({ thread, counters, hasToldLoss }: Run): boolean {
  return (!thread.isAlive && thread.endedHow !== 'stopped') || counters.get('unacknowledged') > 0 || hasToldLoss;
}

function tallyOf(report: ReportStatusRequest): Tally {
  const tally = new Tally();
  tally.addResults(report, report.results);
  return tally;
}

interface HistoryRow {
  readonly modid: number;
  readonly cmdid: number;
  readonly ip: number;
  readonly port: number;
  readonly addr: string;
  readonly succ: number;
  readonly err: number;
}

interface StoredSeq {
  readonly agent: string;
  readonly seq: number;
}
