/** The worker threads as main sees them: hands each new connection to the worker that has the fewest, and supervises the workers. */
import type { Transferable } from 'node:worker_threads';
import type { Clock } from '@lars/runtime/clock';
import { messageOf, StartupError } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import type { LinkSecurity } from '@lars/runtime/security/link-security';
import { BackoffRestarts } from '@lars/runtime/threads/restart-policy';
import { newTerminationLock, waitUntilTerminable } from '@lars/runtime/threads/termination-lock';
import { WorkerSupervisor } from '@lars/runtime/threads/worker-supervisor';
import type { ByteConnection } from '@lars/runtime/transport/byte-connection';
import type { TcpTransport } from '@lars/runtime/transport/tcp-transport';
import { HandedDescriptors } from './handed-descriptors.ts';
import type { MessageToMain, MessageToWorker, SubscriptionChange, WorkerData } from './messages.ts';

/** What a worker is given every time that it is started; the rest of its data is made for each start. */
export type WorkerStart = Omit<WorkerData, 'security' | 'lock'>;

export interface WorkerPoolDeps {
  readonly script: URL;
  readonly data: readonly WorkerStart[];
  /** What main accepts with. */
  readonly transport: TcpTransport;
  readonly security: () => LinkSecurity;
  readonly log: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter between restarts. */
  readonly random: () => number;
  readonly onSubscriptions: (worker: number, changes: readonly SubscriptionChange[]) => void;
  /** The worker is subscribed to nothing any more, and has no connections. */
  readonly onDeath: (worker: number) => void;
}

type WorkerName = `dnsserver-${number}`;

/** A worker that dies soon again is started again after ever longer delays, one that has lived a minute quickly. */
const RESTARTS = { minMs: 50, maxMs: 5_000, steadyMs: 60_000 };
const STOP_TIMEOUT_MS = 800;

export class WorkerPool {
  readonly #deps: WorkerPoolDeps;
  readonly #supervisor: WorkerSupervisor<WorkerName, MessageToWorker, MessageToMain>;
  readonly #connections: number[];
  readonly #descriptors: readonly HandedDescriptors[];

  constructor(deps: WorkerPoolDeps) {
    const { script, data, log, clock, random } = deps;
    this.#deps = deps;
    this.#connections = data.map(() => 0);
    this.#descriptors = data.map(() => new HandedDescriptors());
    this.#supervisor = new WorkerSupervisor({
      specs: data.map(workerData => ({
        name: nameOf(workerData.index),
        script,
        restartPolicy: new BackoffRestarts({ ...RESTARTS, random }),
        setUp: () => {
          this.#connections[workerData.index] = 0;
          const lock = newTerminationLock();
          const ownData: WorkerData = { ...workerData, security: deps.security(), lock };
          return { workerData: ownData, whenTerminable: () => waitUntilTerminable(lock) };
        },
      })),
      log,
      clock,
      onMessage: (name, message) => {
        const worker = indexOf(name);
        if (message.type === 'subscriptions') deps.onSubscriptions(worker, message.changes);
        else this.#onClosed(worker, message.fd);
      },
      onDeath: (name, error) => this.#onDeath(indexOf(name), error),
      onRestart: name => log.warn('a worker thread is started again', { worker: indexOf(name) }),
      startError: (name, cause) =>
        new StartupError('THREAD', `worker thread ${name} does not start: ${messageOf(cause)}`, { cause }),
    });
  }

  /**
   * Resolves when every worker is ready.
   * @throws {StartupError} when one dies before
   */
  start(): Promise<void> {
    return this.#supervisor.start();
  }

  /** For each worker, how many connections it was handed and has not reported as ended. */
  get connections(): readonly number[] {
    return this.#connections.map((count, worker) => (this.#supervisor.isAlive(nameOf(worker)) ? count : 0));
  }

  /** @returns false when no worker can take the connection: it is destroyed */
  handOver(connection: ByteConnection): boolean {
    const alive = this.#connections.map((count, worker) => (this.#supervisor.isAlive(nameOf(worker)) ? count : undefined));
    const worker = fewestConnections(alive);
    if (worker < 0) {
      connection.destroy();
      return false;
    }
    const handle = connection.giveAway();
    if (typeof handle === 'number') this.#descriptors[worker]?.add(handle);
    this.post(worker, { type: 'connection', handle });
    // A socket that was handed over is destroyed in this thread. A socket that its agent has reset meanwhile cannot be handed over.
    if (typeof handle !== 'number' && !handle.destroyed) {
      handle.destroy();
      return false;
    }
    this.#connections[worker] = this.#countOf(worker) + 1;
    return true;
  }

  post(worker: number, message: MessageToWorker): void {
    try {
      this.#supervisor.post(nameOf(worker), message, transferablesOf(message));
    } catch (error) {
      // The agent was quicker: it closed the connection that we had just accepted.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_HANDLE_NOT_TRANSFERABLE') throw error;
    }
  }

  /** Ends a worker as a crash would; it is started again. For tests and emergencies. */
  kill(worker: number): Promise<void> {
    return this.#supervisor.kill(nameOf(worker));
  }

  /** Lets the workers end their connections; terminates a worker that does not end in time. */
  async stop(): Promise<void> {
    const names = this.#deps.data.map(({ index }) => nameOf(index));
    await this.#supervisor.stop(names, STOP_TIMEOUT_MS);
    for (const worker of names.keys()) this.#closeDescriptors(worker);
  }

  #countOf(worker: number): number {
    return this.#connections[worker] ?? 0;
  }

  #onDeath(worker: number, error: Error): void {
    const connections = this.#countOf(worker);
    this.#deps.log.error('a worker thread died: its connections are closed', { worker, connections, error: messageOf(error) });
    this.#closeDescriptors(worker);
    this.#deps.onDeath(worker);
  }

  #onClosed(worker: number, fd: number | undefined): void {
    this.#connections[worker] = this.#countOf(worker) - 1;
    if (fd !== undefined) this.#descriptors[worker]?.remove(fd);
  }

  /** Closes what a worker that has ended has left open. */
  #closeDescriptors(worker: number): void {
    for (const fd of this.#descriptors[worker]?.takeAll() ?? []) this.#deps.transport.adopt(fd).destroy();
  }
}

/**
 * Which worker gets the next connection: the worker with the fewest, the first of equals.
 * @param connections of each worker; undefined = the worker is not alive
 * @returns the worker's index, -1 when none is alive
 */
export function fewestConnections(connections: readonly (number | undefined)[]): number {
  let best = -1;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [worker, count] of connections.entries()) {
    if (count === undefined || count >= fewest) continue;
    best = worker;
    fewest = count;
  }
  return best;
}

function nameOf(worker: number): WorkerName {
  return `dnsserver-${worker}`;
}

function indexOf(name: WorkerName): number {
  return Number(name.slice(name.indexOf('-') + 1));
}

/** What changes its owner instead of being copied. */
function transferablesOf(message: MessageToWorker): Transferable[] {
  if (message.type === 'routes') return [message.routes.numbers.buffer, message.routes.bytes.buffer];
  // The types do not know yet that a socket can be transferred.
  const isSocket = message.type === 'connection' && typeof message.handle !== 'number';
  return isSocket ? [message.handle as unknown as Transferable] : [];
}
