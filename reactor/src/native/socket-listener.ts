import { Errno, systemError } from '@lars/syscalls/errno';
import { type Address, EngineError, type Listener } from '../engine.ts';
import { asError } from '../engine-core.ts';
import type { SocketFile } from '../socket-file.ts';
import { WheelTimer } from '../timer-wheel.ts';
import type { Source } from './hub.ts';
import { Ready } from './readiness-set.ts';
import type { SocketContext } from './stream-socket.ts';

/** How many connections one listener accepts in a row before others have their turn. */
const ACCEPTS_IN_A_ROW = 64;
/** How long one that closes accepts at most, where others connect faster than it accepts. */
const CLOSING_MS = 1_000;
/** Out of descriptors or memory: how long accepting waits, and how often the log says so at most. */
const RETRY_MS = 100;
const LOG_PERIOD_MS = 10_000;

const EXHAUSTED: readonly number[] = [Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM];

export interface SocketListenerDeps {
  readonly context: SocketContext;
  /** It goes when the listener closes. */
  readonly file: SocketFile | undefined;
  onAccept(fd: number): void;
  /** No more can be accepted at the moment. */
  onAccepted(): void;
  onGone(listener: SocketListener, isGivenAway: boolean): void;
}

/** A listening descriptor. It is watched for as long as it is not paused, and level-triggered: connections that wait are told of again. */
export class SocketListener implements Listener, Source {
  readonly address: Address;
  readonly #deps: SocketListenerDeps;
  readonly fd: number;
  readonly #retry: WheelTimer;
  #isOpen = true;
  #isPaused = false;
  #isWatched = false;
  /** Accepts the last. */
  #isClosing = false;
  #loggedMs = Number.NEGATIVE_INFINITY;

  constructor(deps: SocketListenerDeps, fd: number) {
    this.#deps = deps;
    this.fd = fd;
    this.address = deps.context.sockets.localAddress(fd) ?? { family: 'unix', host: '', port: 0 };
    this.#retry = new WheelTimer(() => this.#watch());
    this.#watch();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
    this.#unwatch();
  }

  resume(): void {
    this.#isPaused = false;
    this.#watch();
  }

  /** Accepts what waits right before the descriptor closes, and has it served after that: the kernel resets what comes in between. */
  close(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    const { core, hub } = this.#deps.context;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#leave();
    this.#isClosing = true;
    this.#deps.file?.remove();
    const untilMs = core.readClock() + CLOSING_MS;
    const acceptLast = (): void => {
      const mayBeMore = !core.isClosed && this.#acceptInARow() && core.readClock() < untilMs;
      if (mayBeMore) hub.tellLater(acceptLast);
      else hub.closeNow(this.fd);
      this.#deps.onAccepted();
      if (!mayBeMore) resolve();
    };
    hub.tellLater(acceptLast);
    return promise;
  }

  /** Closes without accepting what waits. */
  abandon(): void {
    if (!this.#isOpen) return;
    this.#leave();
    this.#deps.file?.remove();
    this.#deps.context.hub.closeLater(this.fd);
  }

  detach(): number {
    if (!this.#isOpen) throw new EngineError('NOT_OPEN', 'the listener is closed');
    this.#leave(true);
    return this.fd;
  }

  onReady(): void {
    this.#acceptInARow();
    this.#deps.onAccepted();
  }

  /** @returns whether there may be more */
  #acceptInARow(): boolean {
    let accepted = 0;
    while (accepted < ACCEPTS_IN_A_ROW && (this.#isWatched || this.#isClosing) && this.#accept()) accepted++;
    return accepted === ACCEPTS_IN_A_ROW;
  }

  /** @returns whether there may be another one */
  #accept(): boolean {
    const { libc, sockets } = this.#deps.context;
    const fd = sockets.accept(this.fd);
    if (fd >= 0) {
      this.#deps.onAccept(fd);
      return true;
    }
    const errno = libc.errno();
    if (EXHAUSTED.includes(errno)) this.#waitForRoom(systemError('accept4', errno));
    // Of what else may be wrong, only these concern the one connection, which has gone.
    return errno === Errno.ECONNABORTED || errno === Errno.EINTR;
  }

  /** A listener that is watched on would wake the thread without end. */
  #waitForRoom(error: Error): void {
    const { core } = this.#deps.context;
    core.counters.acceptPauses += 1;
    this.#unwatch();
    core.wheel.set(this.#retry, core.nowMs + RETRY_MS);
    if (core.nowMs - this.#loggedMs < LOG_PERIOD_MS) return;
    this.#loggedMs = core.nowMs;
    core.log.warn('connections wait to be accepted, because the process has no descriptors or memory left', {
      listener: this.address.host + (this.address.family === 'unix' ? '' : `:${this.address.port}`),
      error: error.message,
    });
  }

  #watch(): void {
    if (this.#isWatched || this.#isPaused || !this.#isOpen) return;
    this.#deps.context.core.wheel.cancel(this.#retry);
    try {
      this.#deps.context.hub.add(this.fd, this, Ready.readable);
      this.#isWatched = true;
    } catch (error) {
      this.#waitForRoom(asError(error));
    }
  }

  #unwatch(): void {
    if (this.#isWatched) this.#deps.context.hub.remove(this.fd);
    this.#isWatched = false;
    this.#deps.context.core.wheel.cancel(this.#retry);
  }

  #leave(isGivenAway = false): void {
    this.#unwatch();
    this.#isOpen = false;
    this.#deps.onGone(this, isGivenAway);
  }
}
