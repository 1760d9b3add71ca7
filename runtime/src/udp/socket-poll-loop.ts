/** What the poll found ready. */
export const Ready = { socket: 1, loop: 2 } as const;

/** How long a poll blocks, and by how much a timer of this thread may be late. */
const POLL_MS = 10;
/** The same after EMPTY_POLLS polls in a row that found nothing. */
const LONG_POLL_MS = 200;
const EMPTY_POLLS = 100;

export interface SocketPollLoopDeps {
  /** Waits for the socket and for the thread's event loop. @returns a sum of Ready */
  poll(timeoutMs: number): number;
  /** Called when the socket is ready. @returns whether it is certain to be ready still */
  onReady(): boolean;
}

/**
 * Lets a thread wait for its socket instead of in its event loop, because an event loop passes datagrams to JavaScript one by one.
 * The event loop gets a tick whenever it has something to do (a message, or the thread's end) and after each batch. Only timers do not
 * end the wait, and may be late.
 */
export class SocketPollLoop {
  readonly #deps: SocketPollLoopDeps;
  #stopped = false;
  /** The socket is ready without polling. */
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
    this.#socketReady = (ready & Ready.socket) !== 0 && this.#deps.onReady();
  };

  #blockMs(): number {
    return this.#emptyPolls < EMPTY_POLLS ? POLL_MS : LONG_POLL_MS;
  }
}
