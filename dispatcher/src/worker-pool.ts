// pure
import { PROTOCOL_VERSION, ProtocolError, type WorkerFrame } from '@lars/dispatch/protocol';
import type { CounterSet, SharedCounters } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import { type ChoiceLimits, chooseWorker } from './choose-worker.ts';
import type { DispatcherCounter } from './counters.ts';
import { WaitingQueue, type WaitingQueueOptions } from './waiting-queue.ts';
import type { Accepted } from './worker-account.ts';
import { type ControlPort, type DescriptorPort, WorkerSession } from './worker-session.ts';

export interface WorkerPoolOptions {
  readonly limits: ChoiceLimits;
  readonly queue: WaitingQueueOptions;
  /** A worker that has not taken a connection within this time loses it to another one, and is dismissed. */
  readonly handOverMs: number;
  /** Workers at a time, those that have not said hello among them. */
  readonly maxWorkers: number;
}

export interface WorkerPoolDeps {
  readonly log: Logger;
  readonly counters: SharedCounters<DispatcherCounter>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Closes the dispatcher's descriptor of a connection that a worker has taken. */
  readonly onTaken: (connection: Accepted) => void;
  /** Tells a client that it is not served, and closes the descriptor. */
  readonly refuse: (connection: Accepted) => void;
  /** Whether a worker that was started with this ticket is wanted; the others are told to drain. */
  readonly isWanted: (ticket: number) => boolean;
  /** A worker gets connections from now on, or no more. */
  readonly onReady: (ticket: number) => void;
  readonly onLeaving: (ticket: number) => void;
}

/** From connecting to the second connection. */
const GREETING_MS = 5_000;
/** Refusals are logged when they begin, and when there was none for so long. */
const REFUSAL_QUIET_MS = 10_000;

/** Who gets which connection: workers, what they have, and what waits for them. Does nothing by itself: it is told what happens, and when. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #deps: WorkerPoolDeps;
  readonly #at: CounterSet<DispatcherCounter>['at'];
  readonly #sessions = new Map<number, WorkerSession>();
  readonly #queue: WaitingQueue;
  #refusals = { count: 0, lastMs: 0 };

  constructor(options: WorkerPoolOptions, deps: WorkerPoolDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#at = deps.counters.definition.at;
    this.#queue = new WaitingQueue(options.queue);
  }

  get sessions(): readonly WorkerSession[] {
    return [...this.#sessions.values()];
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Something is under way that has a time limit: `tick` is to be called soon. */
  get isBusy(): boolean {
    return this.#queue.size > 0 || this.#refusals.count > 0 || this.sessions.some(isUnderWay);
  }

  /** A connection that was accepted is not with a worker yet. */
  get isHandingOver(): boolean {
    return this.#queue.size > 0 || this.sessions.some(({ account }) => (account?.untaken ?? 0) > 0);
  }

  onAccept(connection: Accepted, nowMs: number): void {
    this.#deps.counters.add(this.#at.accepted);
    if (this.#queue.size === 0 && this.#give(connection, nowMs)) return;
    if (this.#queue.add(connection)) this.#deps.counters.add(this.#at.waited);
    else this.#refuse(connection, this.#at.refusedFull, nowMs);
  }

  /** A worker has connected. @returns undefined when there are too many */
  connect(control: ControlPort, nowMs: number): WorkerSession | undefined {
    if (this.#sessions.size >= this.#options.maxWorkers) {
      this.#deps.counters.add(this.#at.workersRefused);
      this.#deps.log.warn('a worker is refused: there are too many', { maxWorkers: this.#options.maxWorkers });
      return undefined;
    }
    const session = new WorkerSession(this.#newId(), control, nowMs);
    this.#sessions.set(session.id, session);
    return session;
  }

  /** @throws {ProtocolError} when the worker is to be closed */
  onFrame(session: WorkerSession, frame: WorkerFrame, nowMs: number): void {
    switch (frame.kind) {
      case 'hello':
        this.#onHello(session, frame);
        return;
      case 'status':
        this.#onStatus(session, frame.taken, frame.open, nowMs);
        return;
      case 'leave':
        this.#onLeave(session);
        return;
      case 'attach':
        throw new ProtocolError('attach wants a connection of its own');
    }
  }

  /** The second connection of a worker has come. @throws {ProtocolError} when no worker waits for it */
  onAttach(id: number, descriptors: DescriptorPort, nowMs: number): WorkerSession {
    const session = this.#sessions.get(id);
    if (session === undefined || !session.attach(descriptors)) throw new ProtocolError(`no worker waits to be attached as ${id}`);
    this.#deps.counters.add(this.#at.workersJoined);
    this.#deps.log.info('worker joined', { worker: id, ticket: session.ticket, open: session.account?.open });
    if (this.#deps.isWanted(session.ticket)) this.#deps.onReady(session.ticket);
    else this.drain(session);
    this.#pump(nowMs);
    return session;
  }

  /** Tells a worker to finish; it gets no more connections. */
  drain(session: WorkerSession): void {
    if (!session.leave('leaving')) return;
    session.control.sendFrame({ kind: 'last', number: session.account?.lastNumber ?? 0 });
    session.control.sendFrame({ kind: 'drain' });
  }

  /**
   * A worker's connection has ended.
   * @param end ended: all that it had written was read. refused: it did not keep to the protocol
   */
  onGone(session: WorkerSession, end: 'ended' | 'refused', nowMs: number): void {
    if (!this.#sessions.delete(session.id)) return;
    session.close();
    const back = session.account?.takeBack() ?? [];
    this.#deps.counters.add(this.#at.takenBack, back.length);
    this.#queue.putBack(back);
    if (end === 'ended') this.#countEnd(session, back.length);
    else this.#deps.counters.add(this.#at.workersRefused);
    this.#pump(nowMs);
  }

  /** Looks at what has a time limit. */
  tick(nowMs: number): void {
    for (const session of this.#sessions.values()) {
      session.isFull = false;
      if (isGreeting(session) && nowMs - session.sinceMs >= GREETING_MS) session.control.shutdown();
      else if ((session.account?.waitingMs(nowMs) ?? 0) >= this.#options.handOverMs) this.#dismiss(session);
    }
    this.#pump(nowMs);
    for (const connection of this.#queue.expired(nowMs)) this.#refuse(connection, this.#at.refusedLate, nowMs);
    if (this.#refusals.count > 0 && nowMs - this.#refusals.lastMs >= REFUSAL_QUIET_MS) {
      this.#deps.log.info('no connection was refused for a while', { refused: this.#refusals.count });
      this.#refusals = { count: 0, lastMs: 0 };
    }
  }

  /** Refuses what waits, and lets go of all workers. */
  close(nowMs: number): void {
    for (const session of this.sessions) {
      this.#sessions.delete(session.id);
      session.close();
      this.#queue.putBack(session.account?.takeBack() ?? []);
    }
    for (const connection of this.#queue.clear()) this.#refuse(connection, this.#at.refusedStopped, nowMs);
  }

  #onHello(session: WorkerSession, { version, maxConnections, ticket }: WorkerFrame & { readonly kind: 'hello' }): void {
    if (version !== PROTOCOL_VERSION) throw new ProtocolError(`it speaks version ${version}, and this is ${PROTOCOL_VERSION}`);
    if (!session.greet(maxConnections, ticket)) throw new ProtocolError('it says hello twice');
    session.control.sendFrame({ kind: 'welcome', version: PROTOCOL_VERSION, session: session.id });
  }

  #onStatus(session: WorkerSession, taken: number, open: number, nowMs: number): void {
    const { account } = session;
    if (account === undefined) throw new ProtocolError('it tells its status before hello');
    const connections = account.onStatus(taken, open);
    session.isFull = false;
    this.#deps.counters.add(this.#at.handedOver, connections.length);
    for (const connection of connections) this.#deps.onTaken(connection);
    this.#pump(nowMs);
  }

  #onLeave(session: WorkerSession): void {
    if (session.account === undefined) throw new ProtocolError('it leaves before hello');
    if (!session.leave('leaving')) return;
    session.control.sendFrame({ kind: 'last', number: session.account.lastNumber });
    this.#deps.onLeaving(session.ticket);
  }

  /** Gives what waits to those who can take it. */
  #pump(nowMs: number): void {
    for (;;) {
      const connection = this.#queue.next();
      if (connection === undefined) return;
      if (this.#give(connection, nowMs)) continue;
      this.#queue.putBack([connection]);
      return;
    }
  }

  /** @returns whether a worker was sent it */
  #give(connection: Accepted, nowMs: number): boolean {
    for (;;) {
      const worker = chooseWorker(this.#candidates(), this.#options.limits, nowMs);
      if (worker === undefined) return false;
      const outcome = worker.session.sendDescriptor(connection.fd);
      if (outcome === 'sent') {
        const number = worker.account.add(connection, nowMs);
        worker.session.control.sendFrame({ kind: 'connection', number, listener: connection.listener });
        return true;
      }
      // One whose socket is broken is told as gone in a moment.
      worker.session.isFull = true;
    }
  }

  *#candidates() {
    for (const session of this.#sessions.values()) {
      const { account } = session;
      if (account !== undefined && session.isReady) yield { session, account };
    }
  }

  #dismiss(session: WorkerSession): void {
    if (!session.leave('dismissed')) return;
    this.#deps.counters.add(this.#at.workersDismissed);
    this.#deps.log.warn('a worker does not take its connections, and is dismissed until it connects again', {
      worker: session.id,
      ticket: session.ticket,
      untaken: session.account?.untaken,
    });
    session.control.shutdown();
  }

  #countEnd(session: WorkerSession, takenBack: number): void {
    const { counters, log } = this.#deps;
    const fields = { worker: session.id, ticket: session.ticket, open: session.account?.open ?? 0, takenBack };
    if (isGreeting(session)) counters.add(this.#at.workersRefused);
    else if (session.kind === 'leaving') {
      counters.add(this.#at.workersLeft);
      log.info('worker left', fields);
    } else if (session.kind === 'ready') {
      counters.add(this.#at.workersLost);
      log.warn('worker lost', fields);
    }
  }

  #refuse(connection: Accepted, counter: number, nowMs: number): void {
    if (this.#refusals.count === 0) {
      this.#deps.log.warn('connections are refused, because no worker takes them', {
        waiting: this.#queue.size,
        workers: this.#sessions.size,
      });
    }
    this.#refusals = { count: this.#refusals.count + 1, lastMs: nowMs };
    this.#deps.counters.add(counter);
    this.#deps.refuse(connection);
  }

  #newId(): number {
    for (;;) {
      const id = 1 + Math.floor(this.#deps.random() * 0xffff_fffe);
      if (!this.#sessions.has(id)) return id;
    }
  }
}

function isGreeting({ kind }: WorkerSession): boolean {
  return kind === 'greeting' || kind === 'attaching';
}

function isUnderWay(session: WorkerSession): boolean {
  return isGreeting(session) || session.isFull || (session.account?.untaken ?? 0) > 0;
}
