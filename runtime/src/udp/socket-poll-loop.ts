/** What may be done without waiting. */
export const Ready = { socket: 1, loop: 2 } as const;

/** A timer of this thread may be late by this; and where nothing but timers has happened for about a second, by this. */
const WAIT_MS = 10;
const IDLE_WAIT_MS = 200;
const QUIET_WAITS = 100;

export interface WaitLoopPorts {
  /** Waits for the socket and for the thread's event loop. @returns a sum of Ready */
  wait(timeoutMs: number): number;
  /** Called when the socket is ready. @returns whether it surely still is */
  onReady(): boolean;
}

/**
 * Lets a thread wait for its socket instead of in its event loop: a loop that reads datagrams gives them to JavaScript one by one.
 * The event loop has its turn whenever it has something to do (mail, or the thread's end) and after each batch. Only timers are not
 * waited for, and may be late.
 */
export class WaitLoop {
  readonly #ports: WaitLoopPorts;
  #stopped = false;
  /** The socket is ready: one need not ask. */
  #more = false;
  #patient = false;
  #quietWaits = 0;

  constructor(ports: WaitLoopPorts) {
    this.#ports = ports;
    setImmediate(this.#turn);
  }

  stop(): void {
    this.#stopped = true;
  }

  readonly #turn = (): void => {
    if (this.#stopped) return;
    setImmediate(this.#turn);
    const ready = this.#more ? Ready.socket : this.#ports.wait(this.#patient ? this.#waitMs() : 0);
    // What the event loop does next may ask for a turn too (setImmediate), which must not wait for ours.
    this.#patient = (ready & Ready.loop) === 0;
    this.#quietWaits = ready === 0 ? this.#quietWaits + 1 : 0;
    this.#more = (ready & Ready.socket) !== 0 && this.#ports.onReady();
  };

  #waitMs(): number {
    return this.#quietWaits < QUIET_WAITS ? WAIT_MS : IDLE_WAIT_MS;
  }
}
