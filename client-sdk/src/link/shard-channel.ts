import {
  type BatchReportRequest,
  decodeBody,
  decodeDatagram,
  encodeFrame,
  type GetHostResponse,
  type GetRouteResponse,
  LarsProtocolError,
  MessageId,
  Purpose,
  type RouteKey,
  routeKey,
} from '@lars/proto';
import { abortedError, agentSilentError, closedError, LarsError, type RequestContext, unreachableError } from '../errors.ts';
import type { LarsHost } from '../lars-host.ts';
import type { RequestLimits } from '../request-options.ts';
import type { Route } from '../route.ts';
import type { Counters } from '../stats.ts';
import { AgentSocket, type Lookup } from './agent-socket.ts';
import { type Absence, AgentWatch, batchOf, type HostReport, NO_ABSENCE } from './agent-watch.ts';
import { readHostAnswer, readRouteAnswer } from './answers.ts';
import { publishStateOf } from './link-state.ts';
import { type Pending, PendingTable, type Waiter } from './pending-table.ts';
import { encodeRequest } from './requests.ts';
import { SendWindows } from './send-windows.ts';

/** What a channel needs. */
export interface ChannelDeps {
  readonly nowMs: () => number;
  readonly lookup: Lookup;
  readonly counters: Counters;
  readonly firstSeq: number;
  /** Of the getHosts, one of Purpose. */
  readonly purpose: number;
  /** Asks that `onTime` be called at `atMs` or earlier. */
  readonly wakeAt: (atMs: number) => void;
  /** Present where the client picks by itself while the agent is away: whether it may be able to, for this module. */
  readonly mayPickAlone?: ((modid: number, cmdid: number) => boolean) | undefined;
}

/** How long a query whether the server has a route again waits for its answer. */
const WATCH_QUERY_TIMEOUT_MS = 500;

/** Not an error that callers see: a request that was not sent yet can be done without. */
export const COPY_CAME = Symbol('a copy came');

/** After this many timeouts in a row without a single datagram from the agent its name is resolved again. */
const RESOLVE_AFTER_TIMEOUTS = 8;

/** The conversation with one of the agent's UDP servers: many requests at once over one socket. */
export class ShardChannel {
  /** The server's address, for messages to people. */
  readonly agent: string;
  readonly #deps: ChannelDeps;
  readonly #counters: Counters;
  readonly #socket: AgentSocket;
  readonly #table: PendingTable;
  readonly #windows = new SendWindows();
  #silentTimeouts = 0;
  /** Modules that have come to be picked from copies. */
  readonly #copied = new Set<RouteKey>();
  /** Undefined where the client does nothing by itself while the agent is away. */
  readonly #watch: AgentWatch | undefined;

  constructor(host: string, port: number, deps: ChannelDeps) {
    this.agent = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.#deps = deps;
    this.#counters = deps.counters;
    this.#table = new PendingTable(deps.firstSeq);
    const events = { onOpen: this.#onOpen, onDatagram: this.#onDatagram, onFailure: this.#onFailure };
    this.#socket = new AgentSocket(host, port, deps.lookup, events, deps.counters);
    this.#watch = deps.mayPickAlone === undefined ? undefined : this.#newWatch();
  }

  /** Requests that callers wait for. */
  get pendingCount(): number {
    return this.#table.callerCount;
  }

  /** What is known of the server's absence. */
  get absence(): Absence {
    return this.#watch?.absence ?? NO_ABSENCE;
  }

  get isAway(): boolean {
    return this.#watch?.isAway === true;
  }

  /** Whether the client must do without the server for this module: it is away, or back and has not had the route yet. */
  isAwayFor(modid: number, cmdid: number): boolean {
    return this.#watch?.isAwayFor(modid, cmdid) === true;
  }

  getHost(modid: number, cmdid: number, limits: RequestLimits): Promise<LarsHost> {
    const context = { modid, cmdid, agent: this.agent };
    return new Promise((resolve, reject) => {
      const settle = (answer: GetHostResponse) => {
        const outcome = readHostAnswer(answer, context);
        if (outcome instanceof LarsError) reject(outcome);
        else resolve(outcome);
      };
      this.#startRequest(this.#table.addHost(this.#waiter(modid, cmdid, limits, settle, reject)), limits.signal);
    });
  }

  getRoute(modid: number, cmdid: number, limits: RequestLimits): Promise<Route> {
    return new Promise((resolve, reject) => {
      const settle = (answer: GetRouteResponse) => resolve(readRouteAnswer(answer));
      this.#startRequest(this.#table.addRoute(this.#waiter(modid, cmdid, limits, settle, reject)), limits.signal);
    });
  }

  /**
   * Queries a route for the cache. No caller waits for it, so it neither keeps the process alive nor counts among the pending requests.
   * @param version the version that the cache has, 0 = none
   * @param settle is called once: with the answer and the length of its datagram, or with undefined when there is none
   */
  refresh(
    modid: number,
    cmdid: number,
    version: number,
    timeoutMs: number,
    settle: (answer: GetRouteResponse | undefined, bytes: number) => void,
  ): void {
    const limits = { timeoutMs, signal: undefined };
    const waiter = this.#waiter(modid, cmdid, limits, settle, () => settle(undefined, 0));
    this.#startRequest(this.#table.addRefresh(waiter, version), undefined);
  }

  report(report: HostReport): void {
    if (this.#deps.purpose === Purpose.Simulation) this.#sendBatch({ ...batchOf(report), simulated: true });
    else if (!this.#isTaken(report)) this.#socket.send(encodeFrame(MessageId.ReportRequest, report));
  }

  reportBatch(batch: BatchReportRequest): void {
    if (!this.#isTaken(batch)) this.#sendBatch(batch);
  }

  /** The module is picked from a copy from now on. Its requests that were not sent yet are given back, with COPY_CAME as their error. */
  onCopy(modid: number, cmdid: number): void {
    if (this.#windows.waitingHosts === 0) return;
    this.#copied.add(routeKey(modid, cmdid));
    this.#wakeAt(this.#deps.nowMs());
  }

  /** Times out what is due, sends what may be sent now, and asks for the next wake. */
  onTime(nowMs: number): void {
    for (let due = this.#table.takeExpired(nowMs); due !== undefined; due = this.#table.takeExpired(nowMs)) {
      if (due.kind !== 'refresh') this.#counters.timeouts += 1;
      this.#silentTimeouts += 1;
      this.#rejectPending(due, agentSilentError(this.#contextOf(due), due.timeoutMs));
    }
    if (this.#silentTimeouts >= RESOLVE_AFTER_TIMEOUTS) {
      this.#silentTimeouts = 0;
      this.#socket.resolveAgain();
      // The requests in flight will not be answered any more; until their deadlines the process has to live.
      if (this.#table.callerCount > 0) this.#socket.open();
    }
    if (this.#watch?.onTime(nowMs)) this.#rejectRescuable();
    if (this.#copied.size > 0) this.#giveBackUnsent();
    this.#windows.probe(nowMs);
    this.#sendAllowed(nowMs);
  }

  /** Sends all results at once, because the process is about to end; those of an outage too, for a server that hangs may read them later. */
  flushNow(): void {
    for (const batch of this.#watch?.takeAll() ?? []) this.#sendBatch(batch);
    this.#socket.flushNow();
  }

  /** Rejects what waits, lets the kernel take the reports for up to `graceMs`, and closes the socket. */
  close(graceMs: number): Promise<void> {
    this.#rejectAll(closedError);
    for (const batch of this.#watch?.takeAll() ?? []) this.#sendBatch(batch);
    return this.#socket.close(graceMs);
  }

  #waiter<Answer>(
    modid: number,
    cmdid: number,
    { timeoutMs }: RequestLimits,
    resolve: (answer: Answer, bytes: number) => void,
    reject: (error: unknown) => void,
  ): Waiter<Answer> {
    return { modid, cmdid, timeoutMs, deadlineMs: this.#deps.nowMs() + timeoutMs, resolve, reject };
  }

  #startRequest(pending: Pending, signal: AbortSignal | undefined): void {
    if (signal !== undefined) this.#listenTo(pending, signal);
    this.#windows.enter(pending);
    this.#sendAllowed(this.#deps.nowMs());
  }

  #listenTo(pending: Pending, signal: AbortSignal): void {
    const onAbort = () => {
      this.#table.remove(pending);
      this.#counters.aborted += 1;
      this.#rejectPending(pending, abortedError(this.#contextOf(pending), signal.reason));
      this.#socket.setRef(this.#table.callerCount > 0);
      // Not at once: the same signal may be about to abort the requests that would be sent now.
      this.#deps.wakeAt(this.#deps.nowMs());
    };
    signal.addEventListener('abort', onAbort);
    pending.unlisten = () => signal.removeEventListener('abort', onAbort);
  }

  readonly #onOpen = (): void => this.#sendAllowed(this.#deps.nowMs());

  readonly #onDatagram = (datagram: Uint8Array): void => {
    this.#silentTimeouts = 0;
    const nowMs = this.#deps.nowMs();
    // The server may have had nothing to answer but the request that this datagram is for.
    this.#watch?.onDatagram(nowMs, this.#table.size > 1);
    try {
      this.#onFrame(datagram);
    } catch (error) {
      if (!(error instanceof LarsProtocolError)) throw error;
      this.#counters.malformed += 1;
    }
    this.#sendAllowed(nowMs);
  };

  #onFrame(datagram: Uint8Array): void {
    const { id, body } = decodeDatagram(datagram);
    if (id === MessageId.GetHostResponse) this.#onHostAnswer(decodeBody(id, body), datagram.length);
    else if (id === MessageId.ApiGetRouteResponse) this.#onRouteAnswer(decodeBody(id, body), datagram.length);
    else this.#counters.malformed += 1;
  }

  #onHostAnswer(answer: GetHostResponse, bytes: number): void {
    const pending = this.#table.takeHost(answer.seq, answer.modid, answer.cmdid);
    if (pending === undefined) {
      this.#counters.late += 1;
      return;
    }
    this.#onAnswered(pending);
    if (answer.host !== undefined) this.#watch?.onConfirmed(answer.modid, answer.cmdid);
    pending.resolve(answer, bytes);
  }

  #onRouteAnswer(answer: GetRouteResponse, bytes: number): void {
    const waiting = this.#table.takeRoute(answer);
    const weighTold = this.#watch?.onRoute(answer) !== false;
    if (waiting.length === 0) this.#counters.late += 1;
    for (const pending of waiting) {
      this.#onAnswered(pending);
      if (pending.kind === 'refresh' && !weighTold) {
        pending.reject(undefined);
        continue;
      }
      pending.resolve(answer, bytes);
    }
  }

  readonly #onFailure = (error: Error): void => {
    this.#counters.unreachable += this.#table.callerCount;
    this.#watch?.onFailure(this.#deps.nowMs());
    this.#rejectAll(context => unreachableError(context, error));
    this.#wakeAt(this.#watch?.wakeAtMs);
  };

  /** The server hangs: requests that the client can do without end now, the others may yet be answered. */
  #rejectRescuable(): void {
    const error = new Error('no answer to any request');
    for (const pending of this.#table.pendingHosts()) {
      if (this.#deps.mayPickAlone?.(pending.modid, pending.cmdid) !== true) continue;
      this.#table.remove(pending);
      this.#counters.unreachable += 1;
      this.#rejectPending(pending, unreachableError(this.#contextOf(pending), error));
    }
  }

  #giveBackUnsent(): void {
    for (const pending of this.#table.pendingHosts()) {
      if (pending.place !== 'waiting' || !this.#copied.has(routeKey(pending.modid, pending.cmdid))) continue;
      this.#table.remove(pending);
      this.#rejectPending(pending, COPY_CAME);
    }
    this.#copied.clear();
  }

  #rejectAll(failure: (context: RequestContext) => LarsError): void {
    for (let pending = this.#table.takeAny(); pending !== undefined; pending = this.#table.takeAny()) {
      this.#rejectPending(pending, failure(this.#contextOf(pending)));
    }
    this.#socket.setRef(false);
  }

  #rejectPending(pending: Pending, error: LarsError | typeof COPY_CAME): void {
    this.#windows.leave(pending);
    pending.unlisten?.();
    pending.reject(error);
  }

  #onAnswered(pending: Pending): void {
    if (pending.kind !== 'refresh') this.#counters.answered += 1;
    this.#windows.onAnswer(pending);
    pending.unlisten?.();
  }

  /** To be called after anything has happened: sends what the windows have room for, references the socket, and asks for the next wake. */
  #sendAllowed(nowMs: number): void {
    if (this.#windows.hasWaiting) this.#sendWaiting(nowMs);
    this.#socket.setRef(this.#table.callerCount > 0);
    this.#wakeAt(this.#table.nextDeadlineMs);
    this.#wakeAt(this.#watch?.wakeAtMs);
  }

  /** Requests wait for the socket to open here and not in AgentSocket, so that none counts as in flight before it is sent. */
  #sendWaiting(nowMs: number): void {
    this.#socket.open();
    if (!this.#socket.isOpen) return;
    for (let next = this.#windows.takeNext(nowMs); next !== undefined; next = this.#windows.takeNext(nowMs)) {
      this.#socket.send(encodeRequest(next, this.#deps.purpose));
      this.#watch?.onRequest(next.modid, next.cmdid, nowMs);
    }
    this.#wakeAt(this.#windows.wakeAtMs);
  }

  #newWatch(): AgentWatch {
    // The watch sees the answer as it comes.
    const query = (modid: number, cmdid: number, version = 0) =>
      this.refresh(modid, cmdid, version, WATCH_QUERY_TIMEOUT_MS, () => undefined);
    return new AgentWatch({
      onState: publishStateOf(this.agent),
      sendProbe: query,
      queryRoute: query,
      sendBatch: batch => this.#sendBatch(batch),
    });
  }

  #isTaken(report: HostReport | BatchReportRequest): boolean {
    if (this.#watch === undefined) return false;
    const isTaken = this.#watch.takeReport(report, this.#deps.nowMs());
    this.#wakeAt(this.#watch.wakeAtMs);
    return isTaken;
  }

  #sendBatch(batch: BatchReportRequest): void {
    this.#socket.send(encodeFrame(MessageId.BatchReportRequest, batch));
  }

  #wakeAt(atMs: number | undefined): void {
    if (atMs !== undefined) this.#deps.wakeAt(atMs);
  }

  #contextOf({ modid, cmdid }: Pending): RequestContext {
    return { modid, cmdid, agent: this.agent };
  }
}
