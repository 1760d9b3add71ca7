/**
 * Keeps a number of worker threads alive: starts them, hands each new connection to the one that has the fewest, starts one again
 * when it dies. The connections of a thread that dies end with it; their peers connect again.
 */
import type { Socket } from 'node:net';
import { type Transferable, Worker } from 'node:worker_threads';
import { Backoff } from '@lars/runtime/backoff';
import type { Clock } from '@lars/runtime/clock';
import { messageOf, StartupError } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';
import { fewestConnections } from './fewest-connections.ts';
import type { Interest, MailToMain, MailToWorker, WorkerData } from './messages.ts';

export interface WorkerPoolOptions {
  readonly module: URL;
  /** What each worker is given to start with, every time that it is started. */
  readonly data: readonly WorkerData[];
  readonly log: Logger;
  readonly clock: Clock;
  /** Uniform in [0, 1), for the jitter between restarts. */
  readonly random: () => number;
  readonly onInterests: (worker: number, interests: readonly Interest[]) => void;
  /** It follows nothing any more, and has no connections. */
  readonly onDied: (worker: number) => void;
}

interface Slot {
  readonly data: WorkerData;
  readonly backoff: Backoff;
  worker: Worker | undefined;
  /** undefined while it is not alive. */
  connections: number | undefined;
  restartTimer: NodeJS.Timeout | undefined;
}

const RESTART_MIN_MS = 50;
const RESTART_MAX_MS = 5_000;
/** One that has lived so long is well again: its next restart is quick. */
const STEADY_MS = 60_000;
const STOP_TIMEOUT_MS = 800;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: readonly Slot[];
  #phase: 'starting' | 'running' | 'stopping' = 'starting';

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slots = options.data.map(data => ({
      data,
      backoff: new Backoff(RESTART_MIN_MS, RESTART_MAX_MS, options.random),
      worker: undefined,
      connections: undefined,
      restartTimer: undefined,
    }));
  }

  /**
   * Resolves when every worker is ready.
   * @throws {StartupError} when one dies before
   */
  async start(): Promise<void> {
    await Promise.all(this.#slots.map(slot => this.#spawn(slot)));
    this.#phase = 'running';
  }

  /** Of each worker, how many connections it was handed and has not said that they ended. */
  get connections(): readonly number[] {
    return this.#slots.map(slot => slot.connections ?? 0);
  }

  /** @returns false when no worker is alive to take the socket: it is destroyed */
  adopt(socket: Socket): boolean {
    const slot = this.#slots[fewestConnections(this.#slots.map(({ connections }) => connections))];
    if (slot !== undefined) post(slot, { type: 'socket', socket });
    // A socket that was handed over is destroyed in this thread. One that its peer has reset meanwhile cannot be.
    const handedOver = socket.destroyed;
    if (!handedOver) socket.destroy();
    else if (slot !== undefined) slot.connections = (slot.connections ?? 0) + 1;
    return handedOver;
  }

  post(worker: number, mail: MailToWorker): void {
    const slot = this.#slots[worker];
    if (slot !== undefined) post(slot, mail);
  }

  /** Ends a worker as a crash would; it is started again. For tests and emergencies. */
  async kill(worker: number): Promise<void> {
    await this.#slots[worker]?.worker?.terminate();
  }

  /** Lets the workers end their connections in order; one that does not end in time is ended. */
  async stop(): Promise<void> {
    this.#phase = 'stopping';
    await Promise.all(this.#slots.map(slot => stopOne(slot)));
  }

  #spawn(slot: Slot): Promise<void> {
    const { module, clock } = this.#options;
    const name = `dnsserver-${slot.data.index}`;
    const worker = new Worker(module, { workerData: slot.data, name });
    const startedMs = clock.monotonicMs();
    slot.worker = worker;
    // Mail to a worker that is not ready yet waits for it.
    slot.connections = 0;
    return new Promise((resolve, reject) => {
      let failure: unknown = new Error('it ended without a word');
      worker.on('error', error => {
        failure = error;
      });
      worker.on('message', (mail: MailToMain) => {
        if (mail.type === 'ready') resolve();
        else this.#onMail(slot, mail);
      });
      worker.once('exit', () => {
        reject(new StartupError('THREAD', `worker thread ${name} does not start: ${messageOf(failure)}`, { cause: failure }));
        if (clock.monotonicMs() - startedMs >= STEADY_MS) slot.backoff.reset();
        this.#onExit(slot, failure);
      });
    });
  }

  #onMail(slot: Slot, mail: Exclude<MailToMain, { type: 'ready' }>): void {
    if (mail.type === 'interests') this.#options.onInterests(slot.data.index, mail.interests);
    else if (mail.type === 'closed') slot.connections = (slot.connections ?? 1) - 1;
    else this.#options.log[mail.record.level](mail.record.event, mail.record.fields);
  }

  #onExit(slot: Slot, failure: unknown): void {
    const { log, onDied } = this.#options;
    const lost = slot.connections ?? 0;
    slot.worker = undefined;
    slot.connections = undefined;
    if (this.#phase !== 'running') return;
    const worker = slot.data.index;
    log.error('a worker thread died: its connections are closed', { worker, connections: lost, error: messageOf(failure) });
    onDied(worker);
    slot.restartTimer = setTimeout(() => this.#restart(slot), RESTART_MIN_MS + slot.backoff.nextDelayMs());
  }

  #restart(slot: Slot): void {
    if (this.#phase === 'stopping') return;
    this.#options.log.warn('a worker thread is started again', { worker: slot.data.index });
    // Its failure is met in #onExit, as every death is.
    this.#spawn(slot).catch(() => undefined);
  }
}

function post({ worker }: Slot, mail: MailToWorker): void {
  try {
    worker?.postMessage(mail, transfers(mail));
  } catch (error) {
    // The peer was quicker: it closed what we had just accepted.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_HANDLE_NOT_TRANSFERABLE') throw error;
  }
}

async function stopOne(slot: Slot): Promise<void> {
  clearTimeout(slot.restartTimer);
  const { worker } = slot;
  if (worker === undefined) return;
  const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()));
  post(slot, { type: 'stop' });
  const timer = setTimeout(() => void worker.terminate(), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}

/** What changes its owner instead of being copied. */
function transfers(mail: MailToWorker): Transferable[] {
  if (mail.type === 'routes') return [mail.routes.numbers.buffer, mail.routes.bytes.buffer];
  // The types do not know yet that a socket can be transferred.
  return mail.type === 'socket' ? [mail.socket as unknown as Transferable] : [];
}
