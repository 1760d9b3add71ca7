import { type MessagePort, Worker } from 'node:worker_threads';
import type { EngineLog } from '../engine.ts';
import type { ThreadLoad } from './choose-thread.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import type { SharedState } from './shared-state.ts';

export interface ThreadSlotDeps {
  readonly shared: SharedState;
  readonly log: EngineLog;
  readonly nowMs: () => number;
  readonly script: URL;
  readonly data: Omit<ThreadData, 'life' | 'thread'>;
  /** It serves, for the first time or again. */
  readonly onReady: (slot: ThreadSlot) => void;
  /** It has died: what it had, and what was on the way to it. */
  readonly onDeath: (thread: number, left: { readonly taken: readonly number[]; readonly sent: readonly number[] }) => void;
}

const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 5_000;
/** One that dies so often, each time soon, is not started any more: its script is broken, and each death costs the process the descriptor of its epoll set. */
const MAX_DEATHS = 10;
/** A thread that has lived this long is restarted quickly again. */
const STEADY_MS = 30_000;

/** No two threads of a process have the same number of their life, whichever server they are of. */
let lives = 0;

/** The place of one thread: starts it, starts it again when it dies, and knows what it was sent. */
export class ThreadSlot {
  readonly #thread: number;
  readonly #deps: ThreadSlotDeps;
  #worker: Worker | undefined;
  #life = 0;
  #startedMs = 0;
  #isReady = false;
  #isStopping = false;
  #isGivenUp = false;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #sent = 0;
  #takenSeen = 0;
  #waitingSinceMs: number | undefined;
  #fds: number[] = [];
  #listeners: number[] = [];

  constructor(thread: number, deps: ThreadSlotDeps) {
    this.#thread = thread;
    this.#deps = deps;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** It has died so often that it is not started any more. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** How often it has died, each time soon after its start. */
  get deaths(): number {
    return this.#deaths;
  }

  /** Resolves when it serves; rejects when it does not come up the first time. */
  start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { data, shared, script, nowMs } = this.#deps;
    shared.reset(this.#thread);
    lives += 1;
    this.#life = lives;
    this.#startedMs = nowMs();
    this.#sent = 0;
    this.#takenSeen = 0;
    this.#waitingSinceMs = undefined;
    const workerData: ThreadData = { ...data, thread: this.#thread, life: this.#life };
    const worker = new Worker(script, { workerData, name: `reactor${this.#thread}` });
    this.#worker = worker;
    let reason: Error | undefined;
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'log') this.#deps.log[message.level](message.event, { thread: this.#thread, ...message.fields });
      else {
        this.#isReady = true;
        this.#deps.onReady(this);
        resolve();
      }
    });
    worker.on('error', (error: Error) => {
      reason = error;
    });
    worker.on('exit', code => {
      reject(reason ?? new Error(`a thread ended with ${code}`));
      this.#onExit(reason?.message ?? `exit code ${code}`);
    });
    return promise;
  }

  /** Undefined while it does not serve. */
  load(): ThreadLoad | undefined {
    if (!this.#isReady) return undefined;
    const { shared, nowMs } = this.#deps;
    const taken = shared.taken(this.#thread);
    if (taken === this.#sent) this.#waitingSinceMs = undefined;
    else if (taken !== this.#takenSeen) this.#waitingSinceMs = nowMs();
    this.#takenSeen = taken;
    const waitingMs = this.#waitingSinceMs === undefined ? 0 : nowMs() - this.#waitingSinceMs;
    return { connections: this.#sent - shared.closed(this.#thread), busy: shared.busy(this.#thread), waitingMs };
  }

  /** Descriptors that are sent in one turn of the event loop travel in one message. */
  send(fd: number, listener: number): void {
    this.#deps.shared.noteSent(fd, this.#life);
    this.#sent += 1;
    this.#waitingSinceMs ??= this.#deps.nowMs();
    this.#fds.push(fd);
    this.#listeners.push(listener);
    if (this.#fds.length === 1) queueMicrotask(() => this.#flush());
  }

  /** Gives the thread a way to a thread of the pool. */
  addPool(port: MessagePort): void {
    this.#worker?.postMessage({ kind: 'pool', port } satisfies ToThread, [port]);
  }

  /** Lets its connections end within the time. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise(resolve => worker.once('exit', resolve));
    this.#post({ kind: 'stop', graceMs });
    // A thread that hangs does not hear it.
    const late = setTimeout(() => void worker.terminate(), graceMs + RESTART_MAX_MS);
    await ended;
    clearTimeout(late);
  }

  /** Ends the thread at once, as if it had died. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }

  #flush(): void {
    const connections = { kind: 'connections', fds: this.#fds, listeners: this.#listeners } as const;
    this.#fds = [];
    this.#listeners = [];
    this.#post(connections);
  }

  #post(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  #onExit(how: string): void {
    const { shared, log, onDeath, nowMs } = this.#deps;
    this.#worker = undefined;
    this.#isReady = false;
    const left = shared.takeBack(this.#life);
    if (!this.#isStopping) {
      this.#deaths = nowMs() - this.#startedMs >= STEADY_MS ? 1 : this.#deaths + 1;
      if (this.#deaths < MAX_DEATHS) this.#startAgain(how, left.taken.length);
      else {
        this.#isGivenUp = true;
        log.error('a reactor thread died too often, and is not started any more', {
          thread: this.#thread,
          how,
          deaths: this.#deaths,
        });
      }
    }
    onDeath(this.#thread, left);
  }

  #startAgain(how: string, lost: number): void {
    const afterMs = Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** (this.#deaths - 1));
    this.#deps.log.error('a reactor thread died, and is started again', { thread: this.#thread, how, afterMs, lost });
    // One that does not come up has died, too.
    this.#restart = setTimeout(() => void this.start().catch(() => undefined), afterMs);
  }
}
