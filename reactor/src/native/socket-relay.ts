import { reasonOf } from '../close-reason.ts';
import type { Relay, RelayEnd, RelayOptions, RelayResult } from '../engine.ts';
import { IdleTimer } from '../idle-timer.ts';
import type { RelaySide } from './connection-deps.ts';
import type { Task } from './hub.ts';
import { Ready } from './readiness-set.ts';
import { RelayDirection } from './relay-direction.ts';
import type { SocketConnection } from './socket-connection.ts';
import type { SocketContext, StreamSocket } from './stream-socket.ts';

type SideName = 'a' | 'b';

/** One of the two connections: `out` takes its bytes to the other, `into` brings those of the other. */
interface Side extends RelaySide {
  readonly name: SideName;
  readonly connection: SocketConnection;
  readonly socket: StreamSocket;
  readonly out: RelayDirection;
  readonly into: RelayDirection;
}

const READABLE = Ready.readable | Ready.remoteEnded | Ready.hangUp | Ready.error;

/** A relay between two connections of an epoll engine: bytes are copied, or spliced where reads come full. */
export class SocketRelay implements Relay, Task {
  isScheduled = false;
  readonly #context: SocketContext;
  readonly #options: RelayOptions;
  readonly #onDone: (result: RelayResult) => void;
  readonly #a: Side;
  readonly #b: Side;
  readonly #idle: IdleTimer;
  #isOpen = true;
  #isHalfClosed = false;

  constructor(
    context: SocketContext,
    [a, b]: readonly [SocketConnection, SocketConnection],
    [aSocket, bSocket]: readonly [StreamSocket, StreamSocket],
    options: RelayOptions,
    onDone: (result: RelayResult) => void,
  ) {
    const mode = options.splice ?? 'auto';
    const aToB = new RelayDirection(context, aSocket, bSocket, mode, a.hasRemoteEnded);
    const bToA = new RelayDirection(context, bSocket, aSocket, mode, b.hasRemoteEnded);
    this.#context = context;
    this.#options = options;
    this.#onDone = onDone;
    this.#a = this.#side('a', a, aSocket, aToB, bToA);
    this.#b = this.#side('b', b, bSocket, bToA, aToB);
    this.#idle = new IdleTimer(context.core, {
      lastActiveMs: () => Math.max(aSocket.lastActiveMs, bSocket.lastActiveMs),
      onIdle: () => this.#break('idle_timeout', undefined, undefined),
    });
    context.core.counters.relays += 1;
    this.#begin();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get bytesAToB(): number {
    return this.#a.out.bytes;
  }

  get bytesBToA(): number {
    return this.#b.out.bytes;
  }

  stop(): void {
    this.#break('stopped', undefined, undefined);
  }

  run(): void {
    this.#move(this.#a);
    this.#move(this.#b);
  }

  #side(name: SideName, connection: SocketConnection, socket: StreamSocket, out: RelayDirection, into: RelayDirection): Side {
    const side: Side = {
      name,
      connection,
      socket,
      out,
      into,
      onReady: ready => this.#onReady(side, ready),
      onClosed: () => this.#break('reset', name, undefined),
    };
    return side;
  }

  #begin(): void {
    const { core, hub } = this.#context;
    core.look();
    this.#restartIdle(this.#options.idleTimeoutMs ?? 0);
    const fromA = this.#a.connection.giveTo(this.#a);
    const fromB = this.#b.connection.giveTo(this.#b);
    for (const bytes of fromA) this.#b.socket.queue.push(bytes);
    for (const bytes of fromB) this.#a.socket.queue.push(bytes);
    // A side that is closed already is noticed outside of the user's call.
    for (const side of [this.#a, this.#b]) if (!side.connection.isOpen) hub.tellLater(() => side.onClosed());
    hub.schedule(this);
  }

  #onReady(side: Side, ready: number): void {
    if ((ready & READABLE) !== 0) this.#move(side);
    if ((ready & Ready.writable) !== 0) this.#move(side === this.#a ? this.#b : this.#a);
    // What came before the error was moved as far as the other takes it. The rest is lost, as it is on a reset without a relay.
    if ((ready & Ready.error) === 0 || !this.#isOpen) return;
    const error = side.socket.error ?? side.socket.takeError();
    if (error !== undefined) this.#breakFor(side, error);
  }

  #move(side: Side): void {
    if (!this.#isOpen) return;
    const moved = side.out.move();
    if (moved === 'waiting') return;
    if (moved === 'more') {
      this.#context.hub.schedule(this);
      return;
    }
    const other = side === this.#a ? this.#b : this.#a;
    if (moved === 'done') this.#onDirectionDone(side, other);
    else this.#breakFor(moved === 'from_broken' ? side : other, (moved === 'from_broken' ? side : other).socket.error);
  }

  #onDirectionDone(side: Side, other: Side): void {
    if (other.out.isDone) {
      this.#finish('ended', side.name, undefined);
      return;
    }
    // Of a UNIX socket that is closed altogether one could tell now, and a reset would take from the other what the kernel has not delivered to it yet.
    // As with TCP, that is noticed when something is to be brought there.
    if (this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    const { halfCloseTimeoutMs, idleTimeoutMs = 0 } = this.#options;
    this.#restartIdle(halfCloseTimeoutMs ?? idleTimeoutMs);
  }

  #restartIdle(timeoutMs: number): void {
    this.#a.socket.lastActiveMs = this.#context.core.nowMs;
    this.#idle.set(timeoutMs);
    this.#context.hub.wake();
  }

  #breakFor(side: Side, error: NodeJS.ErrnoException | undefined): void {
    const isReset = error === undefined || reasonOf(error, true) === 'reset';
    this.#break(isReset ? 'reset' : 'network_error', side.name, error);
  }

  #break(end: RelayEnd, by: SideName | undefined, error: Error | undefined): void {
    if (!this.#isOpen) return;
    for (const { connection, socket } of [this.#a, this.#b]) if (connection.isOpen) this.#context.sockets.resetOnClose(socket.fd);
    this.#finish(end, by, error);
  }

  #finish(end: RelayEnd, by: SideName | undefined, error: Error | undefined): void {
    this.#isOpen = false;
    this.#idle.cancel();
    this.#a.out.release();
    this.#b.out.release();
    const { core, hub } = this.#context;
    core.counters.relays -= 1;
    if (end === 'idle_timeout') core.counters.idleTimeouts += 1;
    this.#a.connection.close(closeReason(end, by === 'a'));
    this.#b.connection.close(closeReason(end, by === 'b'));
    const { bytesAToB, bytesBToA } = this;
    hub.tellLater(() => core.contain(() => this.#onDone({ end, by, error, bytesAToB, bytesBToA })));
  }
}

/** For the counters: what ended the relay counts once. */
function closeReason(end: RelayEnd, isCause: boolean): 'ended' | 'reset' | 'network_error' | 'destroyed' {
  if (end === 'ended') return 'ended';
  return isCause && (end === 'reset' || end === 'network_error') ? end : 'destroyed';
}
