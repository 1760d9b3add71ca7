import { type MessagePort, Worker } from 'node:worker_threads';
import type { EngineLog } from '../engine.ts';
import type { Passing } from '../passing.ts';
import type { ThreadLoad } from './choose-thread.ts';
import type { FromThread, ThreadData, ToThread } from './messages.ts';
import { passTag } from './pass-tag.ts';
import type { SharedState } from './shared-state.ts';

export interface ThreadSlotDeps {
  readonly shared: SharedState;
  readonly log: EngineLog;
  readonly nowMs: () => number;
  readonly script: URL;
  readonly passing: Pick<Passing, 'pass' | 'takeBack'>;
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
let passes = 0;

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
  readonly #load = { connections: 0, busy: 0, waitingMs: 0 };
  /** Where the thread waits for connections. */
  #inbox = -1;

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
        this.#inbox = message.inbox;
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

  /** Undefined while it does not serve. The same object each time, for it is asked for with every connection. */
  load(): ThreadLoad | undefined {
    if (!this.#isReady) return undefined;
    const { shared, nowMs } = this.#deps;
    const taken = shared.taken(this.#thread);
    if (taken === this.#sent) this.#waitingSinceMs = undefined;
    else if (taken !== this.#takenSeen) this.#waitingSinceMs = nowMs();
    this.#takenSeen = taken;
    const load = this.#load;
    load.waitingMs = this.#waitingSinceMs === undefined ? 0 : nowMs() - this.#waitingSinceMs;
    load.connections = this.#sent - shared.closed(this.#thread);
    load.busy = shared.busy(this.#thread);
    return load;
  }

  /** @returns whether it went: the kernel may have no memory for it */
  send(fd: number, listener: number): boolean {
    const { shared, passing, nowMs } = this.#deps;
    passes += 1;
    const tag = passTag(passes, listener);
    shared.noteSent(fd, this.#life, tag);
    try {
      passing.pass(fd, this.#inbox, tag);
    } catch {
      shared.noteUnsent(fd);
      return false;
    }
    this.#sent += 1;
    this.#waitingSinceMs ??= nowMs();
    return true;
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
    worker.postMessage({ kind: 'stop', graceMs, passed: this.#sent } satisfies ToThread);
    // A thread that hangs does not hear it.
    const late = setTimeout(() => void worker.terminate(), graceMs + RESTART_MAX_MS);
    await ended;
    clearTimeout(late);
  }

  /** Ends the thread at once, as if it had died. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }

  #onExit(how: string): void {
    const { shared, log, onDeath, nowMs, passing } = this.#deps;
    this.#worker = undefined;
    this.#isReady = false;
    const left = shared.takeBack(this.#life);
    for (const fd of left.sent) passing.takeBack(fd, this.#inbox);
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
