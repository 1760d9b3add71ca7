import type { Libc } from './libc.ts';
import type { MmsgMemory } from './mmsg-memory.ts';

/** What the poll found ready. */
export const Ready = { socket: 1, loop: 2 } as const;

/** How long a poll blocks, and by how much a timer of this thread may be late. */
const POLL_MS = 10;
/** The same after EMPTY_POLLS polls in a row that found nothing. */
const LONG_POLL_MS = 200;
const EMPTY_POLLS = 100;
/** How many large batches follow one another before the event loop gets its tick, which costs about as much as ten datagrams. Four take a millisecond at most. */
const BATCHES_PER_TICK = 4;

const POLLIN = 1;
const POLLOUT = 4;
/** struct pollfd */
const POLL_BYTES = 8;

/** The system call poll, for one socket and the event loop of its thread. */
export class SocketPoll {
  readonly #libc: Libc;
  readonly #scratch: DataView;
  /** The absolute address of the scratch bytes. */
  readonly #argument: number;

  constructor(libc: Libc, memory: MmsgMemory) {
    this.#libc = libc;
    this.#scratch = new DataView(memory.bytes.buffer, memory.scratch);
    this.#argument = memory.addressAt(memory.scratch);
  }

  /** @returns whether the socket takes bytes again, within the time */
  waitWritable(fd: number, timeoutMs: number): boolean {
    this.#putPoll(0, fd, POLLOUT);
    return this.#libc.poll(this.#argument, 1, timeoutMs) === 1;
  }

  /** @returns a sum of Ready */
  wait(fd: number, loop: number, timeoutMs: number): number {
    this.#putPoll(0, fd, POLLIN);
    this.#putPoll(POLL_BYTES, loop, POLLIN);
    if (this.#libc.poll(this.#argument, 2, timeoutMs) <= 0) return 0;
    return (this.#isReady(0) ? Ready.socket : 0) + (this.#isReady(POLL_BYTES) ? Ready.loop : 0);
  }

  #putPoll(at: number, fd: number, events: number): void {
    this.#scratch.setInt32(at, fd, true);
    // This clears the field of returned events too, which is the upper half of the word.
    this.#scratch.setUint32(at + 4, events, true);
  }

  #isReady(at: number): boolean {
    return this.#scratch.getUint16(at + 6, true) !== 0;
  }
}

export interface SocketPollLoopDeps {
  /** Waits for the socket and for the thread's event loop. @returns a sum of Ready */
  poll(timeoutMs: number): number;
  /** Called when the socket is ready. @returns whether it is probably ready again */
  onReady(): boolean;
}

/**
 * Lets a thread wait for its socket instead of in its event loop, because an event loop passes datagrams to JavaScript one by one.
 * The event loop gets a tick whenever it has something to do (a message, or the thread's end), after each batch, and after a few of those
 * that were large. Only timers do not end the wait, and may be late.
 */
export class SocketPollLoop {
  readonly #deps: SocketPollLoopDeps;
  #stopped = false;
  /** The socket is probably ready, so that there is no need to poll. */
  #socketReady = false;
  /** The next poll may block. */
  #mayBlock = false;
  #emptyPolls = 0;

  constructor(deps: SocketPollLoopDeps) {
    this.#deps = deps;
    setImmediate(this.#runTick);
  }

  stop(): void {
    this.#stopped = true;
  }

  readonly #runTick = (): void => {
    if (this.#stopped) return;
    setImmediate(this.#runTick);
    const ready = this.#socketReady ? Ready.socket : this.#deps.poll(this.#mayBlock ? this.#blockMs() : 0);
    // If the event loop had work, the next poll must not block: that work may have queued a setImmediate, which would be delayed.
    this.#mayBlock = (ready & Ready.loop) === 0;
    this.#emptyPolls = ready === 0 ? this.#emptyPolls + 1 : 0;
    this.#socketReady = (ready & Ready.socket) !== 0 && this.#handleBatches();
  };

  /** @returns whether the socket is probably ready again */
  #handleBatches(): boolean {
    for (let batch = 0; batch < BATCHES_PER_TICK && !this.#stopped; batch++) if (!this.#deps.onReady()) return false;
    return true;
  }

  #blockMs(): number {
    return this.#emptyPolls < EMPTY_POLLS ? POLL_MS : LONG_POLL_MS;
  }
}
