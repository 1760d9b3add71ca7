/** What every supervised worker thread stands on; worker-supervisor.ts is its other half, outside the thread. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { StartupError } from '../errors.ts';
import { scheduleGc } from '../gc.ts';
import { type LogFields, type Logger, recordLogger } from '../log.ts';
import type { SupervisorMessage, WorkerMessage } from './messages.ts';

export interface WorkerRun<ToWorker, FromWorker, Body> {
  /** Makes the thread's body. A StartupError is passed to the supervisor; any other error ends the thread. */
  start(): Promise<Body>;
  /** The message that tells the supervisor that the body does its work. */
  readyMessage(body: Body): Extract<FromWorker, { readonly type: 'ready' }>;
  /** Called for all messages but 'stop', also before the body is there; see WorkerEntry.whenStarted. */
  onMessage(message: Exclude<ToWorker, SupervisorMessage>): void;
  /** Finishes the body's work; afterwards the thread ends. */
  stop(body: Body): Promise<void>;
}

/** The thread's side of its connection with the supervisor. */
export class WorkerEntry<Data, FromWorker extends { readonly type: string }, Body> {
  readonly data: Data;
  readonly log: Logger;
  readonly #main: MessagePort;
  #body: Body | undefined;
  readonly #waitingForBody: ((body: Body) => void)[] = [];

  /** @param logFields what every line of the thread's log carries */
  constructor(logFields: (data: Data) => LogFields) {
    if (parentPort === null) throw new Error('this script runs as a worker thread');
    this.#main = parentPort;
    this.data = workerData as Data;
    this.log = recordLogger(record => this.#postWorkerMessage({ type: 'log', record }), logFields(this.data));
  }

  post(message: FromWorker): void {
    this.#main.postMessage(message);
  }

  /** Does the work now; while the body is being made, as soon as it is there. */
  whenStarted(work: (body: Body) => void): void {
    if (this.#body === undefined) this.#waitingForBody.push(work);
    else work(this.#body);
  }

  /** Call it once, at the top of the worker's script. */
  run<ToWorker extends { readonly type: string }>(run: WorkerRun<ToWorker, FromWorker, Body>): void {
    this.#main.on('message', (message: ToWorker) => {
      if (message.type === 'stop') this.whenStarted(body => void this.#stop(run, body));
      else run.onMessage(message as Exclude<ToWorker, SupervisorMessage>);
    });
    run.start().then(
      body => {
        this.#body = body;
        for (const work of this.#waitingForBody.splice(0)) work(body);
        this.post(run.readyMessage(body));
        scheduleGc();
      },
      (error: unknown) => {
        if (!(error instanceof StartupError)) throw error;
        this.#postWorkerMessage({ type: 'startup-error', code: error.code, message: error.message });
      },
    );
  }

  async #stop<ToWorker>(run: WorkerRun<ToWorker, FromWorker, Body>, body: Body): Promise<void> {
    await run.stop(body);
    this.#main.close();
  }

  #postWorkerMessage(message: WorkerMessage): void {
    this.#main.postMessage(message);
  }
}
