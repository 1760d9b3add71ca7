import { Worker } from 'node:worker_threads';
import { newTerminationLock, waitUntilTerminable } from '@lars/syscalls/termination-lock';
import { MS_MAX } from '../check-options.ts';
import type { EngineLog } from '../engine.ts';
import { asError } from '../engine-core.ts';
import type { Passing } from '../passing.ts';
import type { ThreadLoad } from './choose-thread.ts';
import type { FromThread, PoolWay, ThreadData, ToThread } from './messages.ts';
import { passTag } from './pass-tag.ts';
import type { SharedState } from './shared-state.ts';
import { type ThreadEvent, ThreadHealth } from './thread-health.ts';

export interface ThreadSlotDeps {
  readonly shared: SharedState;
  readonly log: EngineLog;
  readonly nowMs: () => number;
  readonly script: URL;
  readonly passing: Pick<Passing, 'pass' | 'takeBack'>;
  readonly data: Omit<ThreadData, 'life' | 'thread' | 'pool' | 'lock'>;
  /** Makes ways to the threads of the pool, for a new thread. */
  readonly connectPool: () => readonly PoolWay[];
  /** A thread that hangs for so long is ended; 0 = none is. */
  readonly hangLimitMs: number;
  /** It has died: what it had, and what was on the way to it. */
  readonly onDeath: (thread: number, left: { readonly taken: readonly number[]; readonly sent: readonly number[] }) => void;
  /** For whoever looks after the server. */
  readonly onEvent: (event: ThreadEvent) => void;
}

const RESTART_MIN_MS = 100;
const RESTART_MAX_MS = 5_000;
/** One that dies so often, each time soon, is not started any more: its script is broken. */
const MAX_DEATHS = 10;
/** A thread that has lived this long is restarted quickly again. */
const STEADY_MS = 30_000;
/** A thread that is to stop, and does not, is given so much longer. */
const HANGING_MS = 5_000;
/** Whoever starts a server that does not come up wants to know why. */
const SLOW_START_MS = 10_000;
/** So long is a thread that is to end waited for to have loaded what it needs of the system: koffi ends the whole process where its thread is ended meanwhile. */
const LOADING_MS = 30_000;

/** No two threads of a process have the same number of their life, whichever server they are of. */
let lives = 0;
let passes = 0;

/** The place of one thread: starts it, starts it again when it dies, and knows what it was sent. */
export class ThreadSlot {
  readonly #thread: number;
  readonly #deps: ThreadSlotDeps;
  readonly #health: ThreadHealth;
  #worker: Worker | undefined;
  #lock = newTerminationLock();
  #life = 0;
  #startedMs = 0;
  #isReady = false;
  #hasServed = false;
  #isStopping = false;
  #isGivenUp = false;
  #deaths = 0;
  #restart: NodeJS.Timeout | undefined;
  #sent = 0;
  #takenSeen = 0;
  #waitingSinceMs: number | undefined;
  readonly #load = { connections: 0, busy: 0, waitingMs: 0 };
  /** Where the thread waits for connections; -1 = not known. */
  #inbox = -1;
  /** Why this side has ended the thread. */
  #endedBecause: string | undefined;

  constructor(thread: number, deps: ThreadSlotDeps) {
    this.#thread = thread;
    this.#deps = deps;
    this.#health = new ThreadHealth(deps.hangLimitMs);
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

  get isHanging(): boolean {
    return this.#health.isHanging;
  }

  /** Resolves when it serves; rejects when it does not come up the first time. */
  async start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { data, shared, script, nowMs, log } = this.#deps;
    shared.reset(this.#thread);
    this.#health.reset();
    lives += 1;
    this.#life = lives;
    this.#startedMs = nowMs();
    this.#sent = 0;
    this.#takenSeen = 0;
    this.#waitingSinceMs = undefined;
    this.#endedBecause = undefined;
    const pool = this.#deps.connectPool();
    this.#lock = newTerminationLock();
    const workerData: ThreadData = { ...data, thread: this.#thread, life: this.#life, pool, lock: this.#lock };
    const worker = new Worker(script, { workerData, transferList: pool.map(({ port }) => port), name: `reactor${this.#thread}` });
    this.#worker = worker;
    const slow = setInterval(() => {
      log.warn(
        'a reactor thread has not come up yet: its handler module is still being loaded, or createHandler has not resolved',
        {
          thread: this.#thread,
          seconds: Math.round((nowMs() - this.#startedMs) / 1_000),
        },
      );
    }, SLOW_START_MS);
    let reason: Error | undefined;
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'log') log[message.level](message.event, { thread: this.#thread, ...message.fields });
      else {
        clearInterval(slow);
        this.#isReady = true;
        this.#hasServed = true;
        this.#inbox = message.inbox;
        this.#tell('started');
        resolve();
      }
    });
    worker.on('error', (thrown: unknown) => {
      reason = asError(thrown);
    });
    worker.on('exit', code => {
      clearInterval(slow);
      reject(reason ?? new Error(`handler: the module ended its thread with exit code ${code} before it served`));
      this.#onExit(this.#endedBecause ?? reason?.message ?? `exit code ${code}`, reason);
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

  /** Gives the thread, if it runs or is starting, a way to a thread of the pool that has come. */
  addPool(connect: () => PoolWay): void {
    if (this.#worker === undefined) return;
    const way = connect();
    this.#worker.postMessage({ kind: 'pool', way } satisfies ToThread, [way.port]);
  }

  /** To be called once in a while: notices a thread that hangs. */
  look(): void {
    if (!this.#isReady || this.#isStopping) return;
    const { shared, nowMs } = this.#deps;
    const work = { connections: this.#sent - shared.closed(this.#thread), beats: shared.beats(this.#thread) };
    const change = this.#health.look(work, nowMs());
    if (change === undefined) return;
    if (change === 'too_long') {
      this.#endedBecause = `it hung for more than ${this.#deps.hangLimitMs} ms`;
      void this.terminate();
    } else this.#tell(change);
  }

  /** Lets its connections end within the time. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === undefined) return;
    if (!this.#isReady) {
      await this.#end(worker);
      return;
    }
    const ended = new Promise(resolve => worker.once('exit', resolve));
    worker.postMessage({ kind: 'stop', graceMs, passed: this.#sent } satisfies ToThread);
    // A thread that hangs does not hear it.
    const late = setTimeout(() => void worker.terminate(), Math.min(graceMs + HANGING_MS, MS_MAX));
    await ended;
    clearTimeout(late);
  }

  /** Ends the thread at once, as if it had died. */
  async terminate(): Promise<void> {
    this.#endedBecause ??= 'it was ended by killThread';
    if (this.#worker !== undefined) await this.#end(this.#worker);
  }

  async #end(worker: Worker): Promise<void> {
    await waitUntilTerminable(this.#lock, LOADING_MS);
    await worker.terminate();
  }

  #onExit(how: string, error: Error | undefined): void {
    const { shared, onDeath, nowMs, passing } = this.#deps;
    this.#worker = undefined;
    this.#isReady = false;
    const left = shared.takeBack(this.#life);
    for (const fd of left.sent) passing.takeBack(fd, this.#inbox);
    this.#inbox = -1;
    // A server that does not come up the first time says so to its caller.
    if (!this.#isStopping && this.#hasServed) {
      this.#deaths = nowMs() - this.#startedMs >= STEADY_MS ? 1 : this.#deaths + 1;
      this.#isGivenUp = this.#deaths >= MAX_DEATHS;
      const died = {
        how,
        lost: this.#sent - shared.closed(this.#thread) - left.sent.length,
        ...(error?.stack === undefined ? {} : { error: error.stack }),
      };
      if (this.#isGivenUp) this.#tell('given_up', { ...died, deaths: this.#deaths });
      else this.#startAgain(died);
    }
    onDeath(this.#thread, left);
  }

  #startAgain(died: Readonly<Record<string, unknown>>): void {
    const afterMs = Math.min(RESTART_MAX_MS, RESTART_MIN_MS * 2 ** (this.#deaths - 1));
    this.#tell('died', { ...died, afterMs });
    // One that does not come up has died, too.
    this.#restart = setTimeout(() => void this.start().catch(() => undefined), afterMs);
  }

  #tell(kind: ThreadEvent['kind'], fields: Readonly<Record<string, unknown>> = {}): void {
    const said = LOGGED[kind];
    if (said !== undefined) this.#deps.log[said.level](said.event, { thread: this.#thread, ...fields });
    this.#deps.onEvent({ kind, thread: this.#thread });
  }
}

const LOGGED: Readonly<Record<ThreadEvent['kind'], { readonly level: 'warn' | 'error'; readonly event: string } | undefined>> = {
  started: undefined,
  died: { level: 'error', event: 'a reactor thread died, and is started again' },
  given_up: { level: 'error', event: 'a reactor thread died too often, and is not started any more' },
  hangs: { level: 'error', event: 'a reactor thread hangs: its connections wait, and new ones go to others' },
  goes_on: { level: 'warn', event: 'a reactor thread that hung goes on' },
};
