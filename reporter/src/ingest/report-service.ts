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
import { type AgentSession, AgentSessions } from './agent-sessions.ts';
import type { SeqLookup } from './seq-lookup.ts';

export interface ReportServiceOptions {
  readonly queue: WriteQueue;
  /** The queue has grown. */
  readonly onQueued: () => void;
  readonly history: CallHistory;
  readonly lookup: Pick<SeqLookup, 'find'>;
  /** So many results may wait for a lookup, before no agent is listened to. */
  readonly maxHeldResults: number;
  readonly clock: Clock;
  readonly counters: SharedCounters<ReporterCounter>;
}

/** One agent's end of the conversation. */
interface Lane {
  readonly connection: FramedConnection;
  /** Reports in their order while the store is asked about an agent; undefined while nothing is held up. */
  held: ReportStatusRequest[] | undefined;
  /** What was read of a connection that came while the queue was full: one chunk. */
  parked: ReportStatusRequest[] | undefined;
  /** As whom the agent was greeted here. */
  agent: string | undefined;
}

const MAX_AGENT_LENGTH = 255;
const count = reporterCounters.at;

/**
 * Takes reports from agents to the write queue, and acknowledges those that carry a number once they are stored. An
 * acknowledgement covers all lower numbers of its agent. While the queue is full no connection is read: the agents' own
 * buffers hold what is to come.
 *
 * The first numbered report on a connection is answered at once with what is stored so far, be it nothing. So an agent knows that its
 * reporter does acknowledge, and keeps what it has sent however long the database is away.
 */
export class ReportService implements FramedServerHandler {
  readonly #options: ReportServiceOptions;
  readonly #sessions = new AgentSessions<FramedConnection>();
  readonly #lanes = new Map<FramedConnection, Lane>();
  /** The youngest connection of each agent. */
  readonly #greeted = new Map<string, Lane>();
  #heldResults = 0;
  #paused = false;
  #stopping = false;

  constructor(options: ReportServiceOptions) {
    this.#options = options;
  }

  onOpen(connection: FramedConnection): void {
    this.#lanes.set(connection, { connection, held: undefined, parked: this.#paused ? [] : undefined, agent: undefined });
    if (this.#stopping) connection.destroy();
  }

  /** @throws {LarsProtocolError} for anything but a well-formed report, which costs the sender its connection */
  onFrame(connection: FramedConnection, id: number, body: Uint8Array): void {
    if (id !== MessageId.ReportStatusRequest) {
      throw new LarsProtocolError('BAD_MESSAGE_ID', `message id ${id} is not for a reporter`);
    }
    const report = checked(decodeBody(MessageId.ReportStatusRequest, body));
    this.#options.counters.add(count.reports);
    this.#options.counters.add(count.results, report.results.length);
    const lane = this.#lanes.get(connection) as Lane;
    this.#greet(lane, report);
    if (lane.parked !== undefined) {
      lane.parked.push(report);
      connection.pause();
    } else this.#takeInOrder(lane, report);
  }

  onClose(connection: FramedConnection): void {
    const { agent = '' } = this.#lanes.get(connection) ?? {};
    this.#lanes.delete(connection);
    if (this.#greeted.get(agent)?.connection === connection) this.#greeted.delete(agent);
    this.#sessions.unlink(connection);
  }

  /** The batch is in the tables. */
  stored(batch: StatusBatch): void {
    for (const [agent, seq] of batch.agents) {
      const session = this.#sessions.stored(agent, seq);
      if (session !== undefined) this.#acknowledge(session, session.link);
    }
    this.#options.counters.add(count.flushes);
    this.#options.counters.add(count.rowsStored, batch.status.length + batch.history.length + batch.agents.size);
    this.#resumeIfRelieved();
  }

  stats(): Pick<ReporterStats, 'connections' | 'agents' | 'heldResults' | 'paused'> {
    return {
      connections: this.#lanes.size,
      agents: this.#sessions.size,
      heldResults: this.#heldResults,
      paused: this.#paused,
    };
  }

  /** Reads no more; acknowledgements are still sent. */
  stopReading(): void {
    this.#stopping = true;
    this.#pauseAll();
  }

  #greet(lane: Lane, report: ReportStatusRequest): void {
    if (lane.agent !== undefined || !isNumbered(report)) return;
    lane.agent = report.agent;
    const seq = this.#sessions.get(report.agent)?.storedSeq ?? 0;
    lane.connection.send(ackFrame(report.agent, seq));
    // A connection that is not read from would never tell that its peer is gone: an agent that waits in vain comes again and again.
    const before = this.#greeted.get(report.agent);
    this.#greeted.set(report.agent, lane);
    if (before !== undefined && (this.#paused || before.held !== undefined)) before.connection.destroy();
  }

  #takeInOrder(lane: Lane, report: ReportStatusRequest): void {
    if (lane.held === undefined) this.#take(lane, report);
    else this.#hold(lane.held, report);
  }

  #take(lane: Lane, report: ReportStatusRequest): void {
    if (!isNumbered(report)) {
      this.#enqueue(report);
      return;
    }
    const session = this.#sessions.get(report.agent);
    if (session === undefined) this.#lookUp(lane, report);
    else this.#takeNumbered(lane, session, report);
  }

  #takeNumbered({ connection }: Lane, session: AgentSession<FramedConnection>, report: ReportStatusRequest): void {
    const arrival = this.#sessions.arrive(session, report.seq, connection);
    if (arrival === 'new') {
      this.#enqueue(report);
      return;
    }
    this.#options.counters.add(count.duplicates);
    if (arrival === 'stored') this.#acknowledge(session, connection);
  }

  #enqueue(report: ReportStatusRequest): void {
    const { queue, history, clock, counters, onQueued } = this.#options;
    const counted = history.count(report, Math.floor(clock.unixMs() / 1_000));
    counters.add(count.rowsSkipped, counted.skipped);
    if (counted.badTs) counters.add(count.badTimestamps);
    counters.set(count.countersForgotten, history.counters.evictions);
    queue.add(counted);
    this.#pauseIfFull();
    onQueued();
  }

  /** Holds the lane's reports until the store has said what it has of this agent. */
  #lookUp(lane: Lane, report: ReportStatusRequest): void {
    const held: ReportStatusRequest[] = [];
    lane.held = held;
    lane.connection.pause();
    this.#hold(held, report);
    this.#options.lookup.find(report.agent, storedSeq => {
      this.#sessions.open(report.agent, storedSeq);
      this.#release(lane, held);
    });
  }

  #hold(held: ReportStatusRequest[], report: ReportStatusRequest): void {
    held.push(report);
    this.#heldResults += weightOf(report);
    this.#pauseIfFull();
  }

  /** Takes what was held; when another unknown agent is among it, the rest is held again. */
  #release(lane: Lane, held: readonly ReportStatusRequest[]): void {
    lane.held = undefined;
    for (const report of held) {
      this.#heldResults -= weightOf(report);
      this.#takeInOrder(lane, report);
    }
    if (lane.connection.closed) this.#sessions.unlink(lane.connection);
    if (lane.held === undefined && !this.#paused) lane.connection.resume();
    this.#resumeIfRelieved();
  }

  #acknowledge({ agent, storedSeq }: AgentSession<FramedConnection>, to: FramedConnection | undefined): void {
    const sent = to?.send(ackFrame(agent, storedSeq));
    if (sent) this.#options.counters.add(count.acks);
  }

  #pauseIfFull(): void {
    if (this.#paused || (!this.#options.queue.full && this.#heldResults < this.#options.maxHeldResults)) return;
    this.#options.counters.add(count.pauses);
    this.#pauseAll();
  }

  #pauseAll(): void {
    this.#paused = true;
    for (const { connection } of this.#lanes.values()) connection.pause();
  }

  #resumeIfRelieved(): void {
    const { queue, maxHeldResults } = this.#options;
    if (!this.#paused || this.#stopping || !queue.relieved || this.#heldResults > maxHeldResults / 2) return;
    this.#paused = false;
    for (const lane of this.#lanes.values()) {
      this.#unpark(lane);
      // What was parked may fill the queue again.
      if (this.#paused) return;
      if (lane.held === undefined) lane.connection.resume();
    }
  }

  #unpark(lane: Lane): void {
    const parked = lane.parked ?? [];
    lane.parked = undefined;
    for (const report of parked) this.#takeInOrder(lane, report);
  }
}

function ackFrame(agent: string, seq: number): Uint8Array {
  return encodeFrame(MessageId.ReportStatusAck, { agent, seq });
}

/** A report without results costs memory too. */
function weightOf(report: ReportStatusRequest): number {
  return report.results.length + 1;
}

/** Bounds what the wire leaves open and the tables have no room for. */
function checked(report: ReportStatusRequest): ReportStatusRequest {
  if (report.agent.length > MAX_AGENT_LENGTH) {
    throw new LarsProtocolError('BAD_BODY', `agent has ${report.agent.length} characters, allowed are ${MAX_AGENT_LENGTH}`);
  }
  if (!Number.isSafeInteger(report.seq)) throw new LarsProtocolError('BAD_BODY', `seq ${report.seq} is above 2^53 - 1`);
  return report;
}
