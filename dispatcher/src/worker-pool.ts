// pure
import { PROTOCOL_VERSION, type ProtocolVersion, type WorkerFrame } from '@lars/dispatch/protocol';
import { ProtocolError } from '@lars/reactor/number-frames';
import type { CounterSet, SharedCounters } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import { type Candidate, type ChoiceLimits, chooseWorker } from './choose-worker.ts';
import type { DispatcherCounter } from './counters.ts';
import { Refusals } from './refusals.ts';
import { StatusReader } from './status-reader.ts';
import { type FindGone, WaitingQueue, type WaitingQueueOptions } from './waiting-queue.ts';
import type { Accepted } from './worker-account.ts';
import { noteEnd } from './worker-end.ts';
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
  /** Of these connections, whose clients wait, those whose clients have left; their descriptors are closed. forNewcomer: the first one, and a guess will do. */
  readonly closeGone: FindGone;
  /** Tells a client that it is not served, and closes the descriptor. */
  readonly refuse: (connection: Accepted) => void;
  /** Whether a worker that was started with this ticket is wanted; the others are told to drain. */
  readonly isWanted: (ticket: number) => boolean;
  /** A worker gets connections from now on, or no more; or its link is gone, and it may come again. */
  readonly onReady: (ticket: number) => void;
  readonly onLeaving: (ticket: number) => void;
  readonly onGone: (ticket: number) => void;
}

/** From connecting to the second connection. */
const GREETING_MS = 5_000;
interface ReadyWorker extends Candidate {
  readonly session: WorkerSession;
}

/**
 * Who gets which connection: workers, what they have, and what waits for them. Does nothing by itself: it is told what happens, and when. Connections that are
 * accepted in one turn are given out one by one, and leave together.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #deps: WorkerPoolDeps;
  readonly #at: CounterSet<DispatcherCounter>['at'];
  readonly #sessions = new Map<number, WorkerSession>();
  readonly #queue: WaitingQueue;
  /** Those that may be chosen; undefined when it may have changed. */
  #ready: readonly ReadyWorker[] | undefined;
  /** Those that were given something which is not sent yet. */
  #unsent: WorkerSession[] = [];
  /** What workers have written into shared memory was read in this turn. */
  #isRead = false;
  /** Workers tell each change with a frame, because something waits for it. */
  #isAsking = false;
  readonly #refusals: Refusals;
  readonly #reader: StatusReader;

  constructor(options: WorkerPoolOptions, deps: WorkerPoolDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#at = deps.counters.definition.at;
    this.#queue = new WaitingQueue(options.queue);
    this.#refusals = new Refusals(deps.log);
    this.#reader = new StatusReader(deps);
  }

  get sessions(): readonly WorkerSession[] {
    return [...this.#sessions.values()];
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** Something is under way that has a time limit: `tick` is to be called soon. */
  get isBusy(): boolean {
    return this.#queue.size > 0 || this.#refusals.isGoingOn || this.sessions.some(session => session.isUnderWay);
  }

  /** A connection that was accepted is not with a worker yet. */
  get isHandingOver(): boolean {
    return this.#queue.size > 0 || this.sessions.some(({ account }) => (account?.untaken ?? 0) > 0);
  }

  /** A connection was accepted; `onAccepted` follows after the last of a turn. */
  onAccept(connection: Accepted, nowMs: number): void {
    this.#deps.counters.add(this.#at.accepted);
    if (!this.#isRead) this.readStatus();
    this.#isRead = true;
    if (this.#queue.size === 0 && this.#give(connection, nowMs)) return;
    if (this.#queue.isFull) this.#countGone(this.#queue.makeRoom(this.#deps.closeGone));
    if (this.#queue.add(connection)) this.#deps.counters.add(this.#at.waited);
    else this.#refuse(connection, this.#at.refusedFull, nowMs);
  }

  onAccepted(nowMs: number): void {
    this.#isRead = false;
    this.#queue.endTurn();
    this.#settle(nowMs);
  }

  #countGone(gone: readonly Accepted[]): void {
    if (gone.length > 0) this.#deps.counters.add(this.#at.clientsGone, gone.length);
  }

  /** Reads what workers have written into shared memory. */
  readStatus(): void {
    let broken: [WorkerSession, ProtocolError][] | undefined;
    for (const session of this.#sessions.values()) {
      const error = this.#reader.read(session);
      if (error !== undefined) broken = [...(broken ?? []), [session, error]];
    }
    for (const [session, error] of broken ?? []) session.control.refuse(error);
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
    if (frame.kind === 'hello') this.#onHello(session, frame);
    else if (frame.kind === 'status') this.#onStatus(session, frame.taken, frame.open, nowMs);
    else if (frame.kind === 'leave') this.#onLeave(session, nowMs);
    else throw new ProtocolError(`${frame.kind} wants a connection of its own`);
  }

  /** The second connection of a worker has come. @throws {ProtocolError} when no worker waits for it */
  onAttach(id: number, descriptors: DescriptorPort, nowMs: number): WorkerSession {
    const session = this.#sessions.get(id);
    if (session === undefined || !session.attach(descriptors)) throw new ProtocolError(`no worker waits to be attached as ${id}`);
    this.#ready = undefined;
    session.status?.ask(this.#isAsking);
    this.#deps.counters.add(this.#at.workersJoined);
    this.#deps.log.info('worker joined', { worker: id, ticket: session.ticket, open: session.account?.open });
    if (this.#deps.isWanted(session.ticket)) this.#deps.onReady(session.ticket);
    else this.drain(session, nowMs);
    this.#pump(nowMs);
    return session;
  }

  /** Tells a worker to finish; it gets no more connections. */
  drain(session: WorkerSession, nowMs: number): void {
    this.#settle(nowMs);
    if (!session.leave('leaving')) return;
    this.#ready = undefined;
    session.control.sendFrames({ kind: 'last', number: session.account?.lastNumber ?? 0 }, { kind: 'drain' });
  }

  /** The same, of the worker that was started with this ticket. @returns whether it is here */
  drainTicket(ticket: number, nowMs: number): boolean {
    const session = this.sessions.find(one => one.ticket === ticket);
    if (session !== undefined) this.drain(session, nowMs);
    return session !== undefined;
  }

  /**
   * A worker's connection has ended.
   * @param end ended: all that it had written was read. refused: it did not keep to the protocol
   */
  onGone(session: WorkerSession, end: 'ended' | 'refused', nowMs: number): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#ready = undefined;
    const back = this.#reader.end(session);
    this.#deps.counters.add(this.#at.takenBack, back.length);
    this.#queue.putBack(back);
    noteEnd(session, end, back.length, this.#deps);
    this.#pump(nowMs);
  }

  /** Another dispatcher has taken over: lets go of a worker, which connects there. What it has not taken by then comes back. */
  move(session: WorkerSession): void {
    this.#ready = undefined;
    session.leave('leaving');
    if (session.status !== undefined) session.control.sendFrames({ kind: 'moved' });
    session.control.shutdown();
  }

  /** @returns what waits, which is the caller's now */
  takeWaiting(): readonly Accepted[] {
    return this.#queue.clear();
  }

  /** Looks at what has a time limit. */
  tick(nowMs: number): void {
    this.readStatus();
    this.#countGone(this.#queue.sweep(this.#deps.closeGone));
    for (const session of this.#sessions.values()) {
      this.#mayTakeAgain(session);
      if (session.isGreeting && nowMs - session.sinceMs >= GREETING_MS) session.control.shutdown();
      else if ((session.account?.waitingMs(nowMs) ?? 0) >= this.#options.handOverMs) this.#dismiss(session);
    }
    this.#pump(nowMs);
    for (const connection of this.#queue.expired(nowMs)) this.#refuse(connection, this.#at.refusedLate, nowMs);
    this.#refusals.tick(nowMs);
  }

  /** Refuses what waits, and lets go of all workers. */
  close(nowMs: number): void {
    for (const session of this.sessions) {
      this.#sessions.delete(session.id);
      this.#queue.putBack(this.#reader.end(session));
    }
    for (const connection of this.#queue.clear()) this.#refuse(connection, this.#at.refusedStopped, nowMs);
  }

  #onHello(session: WorkerSession, { version, maxConnections, ticket }: WorkerFrame & { readonly kind: 'hello' }): void {
    if (version < 1) throw new ProtocolError(`it speaks version ${version}, and this is ${PROTOCOL_VERSION}`);
    const spoken = Math.min(version, PROTOCOL_VERSION) as ProtocolVersion;
    if (!session.greet(spoken, maxConnections, ticket)) throw new ProtocolError('it says hello twice');
    session.control.sendFrames({ kind: 'welcome', version: spoken, session: session.id });
  }

  #onStatus(session: WorkerSession, taken: number, open: number, nowMs: number): void {
    const { account } = session;
    if (account === undefined) throw new ProtocolError('it tells its status before hello');
    // A worker that shares memory says no more than that it has changed.
    if (session.status === undefined) this.#reader.onTaken(account.onStatus(taken, open));
    else {
      const error = this.#reader.read(session);
      if (error !== undefined) throw error;
    }
    this.#mayTakeAgain(session);
    this.#pump(nowMs);
  }

  #mayTakeAgain(session: WorkerSession): void {
    if (session.isFull) this.#ready = undefined;
    session.isFull = false;
  }

  #onLeave(session: WorkerSession, nowMs: number): void {
    if (session.account === undefined) throw new ProtocolError('it leaves before hello');
    this.#settle(nowMs);
    if (!session.leave('leaving')) return;
    this.#ready = undefined;
    session.control.sendFrames({ kind: 'last', number: session.account.lastNumber });
    this.#deps.onLeaving(session.ticket);
  }

  /** Gives what waits to those who can take it, and sends it. */
  #pump(nowMs: number): void {
    this.#giveWaiting(nowMs);
    this.#settle(nowMs);
  }

  #giveWaiting(nowMs: number): void {
    for (;;) {
      const { first } = this.#queue;
      if (first === undefined || !this.#give(first, nowMs)) return;
      this.#queue.removeFirst();
    }
  }

  /** @returns whether a worker was given it */
  #give(connection: Accepted, nowMs: number): boolean {
    this.#ready ??= this.#readyWorkers();
    const worker = chooseWorker(this.#ready, this.#options.limits, nowMs);
    if (worker === undefined) return false;
    if (worker.session.give(connection, nowMs)) this.#unsent.push(worker.session);
    return true;
  }

  #readyWorkers(): readonly ReadyWorker[] {
    const ready: ReadyWorker[] = [];
    for (const session of this.#sessions.values()) {
      if (session.account !== undefined && session.isReady) ready.push({ session, account: session.account });
    }
    return ready;
  }

  /** Sends what was given out, and wants to be told of changes while something waits for them. */
  #settle(nowMs: number): void {
    this.#flush(nowMs);
    const isAsking = this.#queue.size > 0;
    if (isAsking === this.#isAsking) return;
    this.#isAsking = isAsking;
    for (const { status } of this.#sessions.values()) status?.ask(isAsking);
    if (!isAsking) return;
    // A worker that changed something just before was not asked yet.
    this.readStatus();
    this.#pump(nowMs);
  }

  #flush(nowMs: number): void {
    while (this.#unsent.length > 0) {
      const back: Accepted[] = [];
      for (const session of this.#unsent.splice(0)) {
        const unsent = session.flush();
        // One whose socket is broken is told as gone in a moment.
        if (unsent.length > 0) this.#ready = undefined;
        back.push(...unsent);
      }
      if (back.length === 0) return;
      this.#queue.putBack(back);
      this.#giveWaiting(nowMs);
    }
  }

  #dismiss(session: WorkerSession): void {
    if (!session.leave('dismissed')) return;
    this.#ready = undefined;
    this.#deps.counters.add(this.#at.workersDismissed);
    this.#deps.log.warn('a worker does not take its connections, and is dismissed until it connects again', {
      worker: session.id,
      ticket: session.ticket,
      untaken: session.account?.untaken,
    });
    session.control.shutdown();
  }

  #refuse(connection: Accepted, counter: number, nowMs: number): void {
    this.#refusals.add(nowMs, { waiting: this.#queue.size, workers: this.#sessions.size });
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
