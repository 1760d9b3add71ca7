import { decodeBody, encodeFrame, LarsProtocolError, MessageId, type ReportStatusRequest } from '@lars/proto';
import type { Clock } from '@lars/runtime/clock';
import type { SharedCounters } from '@lars/runtime/counters';
import type { FramedConnection } from '@lars/runtime/tcp/framed-connection';
import type { FramedServerHandler } from '@lars/runtime/tcp/framed-server';
import { type ReporterCounter, reporterCounters } from '../counters.ts';
import { type CallHistory, isNumbered } from '../history/call-history.ts';
import type { WriteQueue } from '../queue/write-queue.ts';
import type { ReporterStats } from '../reporter-stats.ts';
import type { StatusBatch } from '../store/status-store.ts';
import { type AgentSession, AgentSessions, isPlausible } from './agent-sessions.ts';
import { ClockSkews } from './clock-skews.ts';
import type { SeqLookup } from './seq-lookup.ts';

export interface ReportServiceDeps {
  readonly queue: WriteQueue;
  /** Called when the queue has grown. */
  readonly onQueued: () => void;
  readonly history: CallHistory;
  readonly lookup: Pick<SeqLookup, 'find'>;
  /** While this many results are parked for lookups, no agent is read from. */
  readonly maxParkedResults: number;
  readonly clock: Clock;
  readonly counters: SharedCounters<ReporterCounter>;
}

/** What is known of one connection. */
interface Lane {
  readonly connection: FramedConnection;
  /** Reports that are parked, in their order, while an agent is looked up in the store; undefined while there is no lookup. */
  parked: ReportStatusRequest[] | undefined;
  /** The one chunk that was read of a connection that came while the queue was full. */
  beforeResume: ReportStatusRequest[] | undefined;
  /** The agent to which the initial acknowledgement was sent here. */
  agent: string | undefined;
}

const MAX_AGENT_LENGTH = 255;
const count = reporterCounters.at;

/**
 * Takes reports from agents to the write queue, and acknowledges the numbered ones once they are stored. An
 * acknowledgement covers all lower numbers of its agent. While the queue is full no connection is read: further reports stay in
 * the agents' own buffers.
 *
 * The first numbered report on a connection is answered at once with the number that is stored so far, even if that is 0. So an agent
 * knows that its reporter acknowledges, and keeps what it has sent however long the database is away.
 */
export class ReportService implements FramedServerHandler {
  readonly #deps: ReportServiceDeps;
  readonly #sessions = new AgentSessions<FramedConnection>();
  readonly #lanes = new Map<FramedConnection, Lane>();
  /** The youngest connection of each agent. */
  readonly #currentLane = new Map<string, Lane>();
  readonly #skews = new ClockSkews();
  #parkedResults = 0;
  #paused = false;
  #stopping = false;

  constructor(deps: ReportServiceDeps) {
    this.#deps = deps;
  }

  onOpen(connection: FramedConnection): void {
    this.#lanes.set(connection, { connection, parked: undefined, beforeResume: this.#paused ? [] : undefined, agent: undefined });
    if (this.#stopping) connection.destroy();
  }

  /** @throws {LarsProtocolError} for anything but a well-formed report, which costs the sender its connection */
  onFrame(connection: FramedConnection, id: number, body: Uint8Array): void {
    if (id !== MessageId.ReportStatusRequest) {
      throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not for a reporter`);
    }
    const report = checked(decodeBody(MessageId.ReportStatusRequest, body));
    this.#deps.counters.add(count.reports);
    this.#deps.counters.add(count.results, report.results.length);
    const lane = this.#lanes.get(connection) as Lane;
    this.#sendInitialAck(lane, report);
    if (lane.beforeResume !== undefined) {
      lane.beforeResume.push(report);
      connection.pause();
    } else this.#takeInOrder(lane, report);
  }

  onClose(connection: FramedConnection): void {
    const { agent = '' } = this.#lanes.get(connection) ?? {};
    this.#lanes.delete(connection);
    if (this.#currentLane.get(agent)?.connection === connection) this.#currentLane.delete(agent);
    this.#sessions.unlink(connection);
  }

  /** The batch is in the tables. */
  onStored(batch: StatusBatch): void {
    for (const [agent, seq] of batch.agents) {
      const session = this.#sessions.stored(agent, seq);
      if (session !== undefined) this.#acknowledge(session, session.link);
    }
    this.#deps.counters.add(count.flushes);
    this.#deps.counters.add(count.rowsStored, batch.status.length + batch.history.length + batch.agents.size);
    this.#resumeIfRelieved();
  }

  stats(): Pick<ReporterStats, 'connections' | 'agents' | 'parkedResults' | 'paused' | 'clockSkew'> {
    return {
      connections: this.#lanes.size,
      agents: this.#sessions.size,
      parkedResults: this.#parkedResults,
      paused: this.#paused,
      clockSkew: this.#skews.worst(Math.floor(this.#deps.clock.unixMs() / 1_000)),
    };
  }

  /** Reads no more; acknowledgements are still sent. */
  stopReading(): void {
    this.#stopping = true;
    this.#pauseAll();
  }

  #sendInitialAck(lane: Lane, report: ReportStatusRequest): void {
    if (lane.agent !== undefined || !isNumbered(report)) return;
    lane.agent = report.agent;
    const seq = this.#sessions.get(report.agent)?.storedSeq ?? 0;
    lane.connection.send(ackFrame(report.agent, seq));
    // A connection that is not read from never shows that its agent is gone, and an agent that waits in vain connects again and again.
    const before = this.#currentLane.get(report.agent);
    this.#currentLane.set(report.agent, lane);
    if (before !== undefined && (this.#paused || before.parked !== undefined)) before.connection.destroy();
  }

  #takeInOrder(lane: Lane, report: ReportStatusRequest): void {
    if (lane.parked === undefined) this.#takeReport(lane, report);
    else this.#park(lane.parked, report);
  }

  #takeReport(lane: Lane, report: ReportStatusRequest): void {
    if (!isNumbered(report)) {
      this.#enqueue(report);
      return;
    }
    const session = this.#sessions.get(report.agent);
    if (session === undefined) this.#lookUp(lane, report);
    else this.#takeNumbered(lane, session, report);
  }

  #takeNumbered({ connection }: Lane, session: AgentSession<FramedConnection>, report: ReportStatusRequest): void {
    if (!isPlausible(session, report.seq, Math.floor(this.#deps.clock.unixMs() / 1_000))) {
      this.#deps.counters.add(count.badNumbers);
      this.#sessions.forget(session);
      connection.destroy();
      return;
    }
    const arrival = this.#sessions.arrive(session, report.seq, connection);
    if (arrival === 'new') {
      this.#enqueue(report);
      return;
    }
    this.#deps.counters.add(count.duplicates);
    if (arrival === 'stored') this.#acknowledge(session, connection);
  }

  #enqueue(report: ReportStatusRequest): void {
    const { queue, history, clock, counters, onQueued } = this.#deps;
    const nowSec = Math.floor(clock.unixMs() / 1_000);
    if (isNumbered(report)) this.#skews.note(report.caller, report.ts, nowSec);
    const counted = history.count(report, nowSec);
    counters.add(count.rowsSkipped, counted.skipped);
    if (counted.badTs) counters.add(count.badTimestamps);
    counters.set(count.countersForgotten, history.counters.evictions);
    queue.add(counted);
    this.#pauseIfFull();
    onQueued();
  }

  /** Parks the lane's reports until the store has answered what it has of this agent. */
  #lookUp(lane: Lane, report: ReportStatusRequest): void {
    const parked: ReportStatusRequest[] = [];
    lane.parked = parked;
    lane.connection.pause();
    this.#park(parked, report);
    this.#deps.lookup.find(report.agent, (storedSeq, heardSec) => {
      this.#sessions.open(report.agent, storedSeq, heardSec);
      this.#release(lane, parked);
    });
  }

  #park(parked: ReportStatusRequest[], report: ReportStatusRequest): void {
    parked.push(report);
    this.#parkedResults += sizeOf(report);
    this.#pauseIfFull();
  }

  /** Takes the parked reports; when another unknown agent is among them, the rest is parked again. */
  #release(lane: Lane, parked: readonly ReportStatusRequest[]): void {
    lane.parked = undefined;
    for (const report of parked) {
      this.#parkedResults -= sizeOf(report);
      this.#takeInOrder(lane, report);
    }
    if (lane.connection.closed) this.#sessions.unlink(lane.connection);
    if (lane.parked === undefined && !this.#paused) lane.connection.resume();
    this.#resumeIfRelieved();
  }

  #acknowledge({ agent, storedSeq }: AgentSession<FramedConnection>, to: FramedConnection | undefined): void {
    const sent = to?.send(ackFrame(agent, storedSeq));
    if (sent) this.#deps.counters.add(count.acks);
  }

  #pauseIfFull(): void {
    if (this.#paused || (!this.#deps.queue.full && this.#parkedResults < this.#deps.maxParkedResults)) return;
    this.#deps.counters.add(count.pauses);
    this.#pauseAll();
  }

  #pauseAll(): void {
    this.#paused = true;
    for (const { connection } of this.#lanes.values()) connection.pause();
  }

  #resumeIfRelieved(): void {
    const { queue, maxParkedResults } = this.#deps;
    if (!this.#paused || this.#stopping || !queue.relieved || this.#parkedResults > maxParkedResults / 2) return;
    this.#paused = false;
    for (const lane of this.#lanes.values()) {
      this.#takeBeforeResume(lane);
      // These reports may fill the queue again.
      if (this.#paused) return;
      if (lane.parked === undefined) lane.connection.resume();
    }
  }

  #takeBeforeResume(lane: Lane): void {
    const reports = lane.beforeResume ?? [];
    lane.beforeResume = undefined;
    for (const report of reports) this.#takeInOrder(lane, report);
  }
}

function ackFrame(agent: string, seq: number): Uint8Array {
  return encodeFrame(MessageId.ReportStatusAck, { agent, seq });
}

/** The size of a report in results; a report without results costs memory too. */
function sizeOf(report: ReportStatusRequest): number {
  return report.results.length + 1;
}

/** Checks the bounds that the wire does not have and the tables need. */
function checked(report: ReportStatusRequest): ReportStatusRequest {
  if (report.agent.length > MAX_AGENT_LENGTH) {
    throw new LarsProtocolError('BAD_BODY', `agent has ${report.agent.length} characters, allowed are ${MAX_AGENT_LENGTH}`);
  }
  if (/\p{C}/u.test(report.agent)) throw new LarsProtocolError('BAD_BODY', 'agent has control characters');
  if (!Number.isSafeInteger(report.seq)) throw new LarsProtocolError('BAD_BODY', `seq ${report.seq} is above 2^53 - 1`);
  return report;
}
