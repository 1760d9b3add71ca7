import { reasonOf } from '../close-reason.ts';
import type { Relay, RelayEnd, RelayOptions, RelayResult } from '../engine.ts';
import { IdleTimer, type IdleWatched } from '../idle-timer.ts';
import type { Task } from './hub.ts';
import { Ready } from './readiness-set.ts';
import { RelayDirection, type RelayOwner, type SideName, type SpliceMode } from './relay-direction.ts';
import type { SocketConnection } from './socket-connection.ts';
import type { SocketContext, StreamSocket } from './stream-socket.ts';

const READABLE = Ready.readable | Ready.remoteEnded | Ready.hangUp | Ready.error;

/** A relay between two connections of an epoll engine: bytes are copied, or spliced where reads come full. */
export class SocketRelay implements Relay, Task, RelayOwner, IdleWatched {
  isScheduled = false;
  isOpen = true;
  readonly context: SocketContext;
  readonly #options: RelayOptions;
  readonly #onDone: (result: RelayResult) => void;
  readonly #a: RelayDirection;
  readonly #b: RelayDirection;
  readonly #idle: IdleTimer;
  #isHalfClosed = false;

  constructor(
    context: SocketContext,
    [a, b]: readonly [SocketConnection, SocketConnection],
    [aSocket, bSocket]: readonly [StreamSocket, StreamSocket],
    options: RelayOptions,
    onDone: (result: RelayResult) => void,
  ) {
    this.context = context;
    this.#options = options;
    this.#onDone = onDone;
    this.#a = new RelayDirection(this, 'a', a, aSocket, bSocket);
    this.#b = new RelayDirection(this, 'b', b, bSocket, aSocket);
    this.#idle = new IdleTimer(context.core, this);
    context.core.counters.relays += 1;
    this.#begin();
  }

  get mode(): SpliceMode {
    return this.#options.splice ?? 'auto';
  }

  get bytesAToB(): number {
    return this.#a.bytes;
  }

  get bytesBToA(): number {
    return this.#b.bytes;
  }

  stop(): void {
    this.#break('stopped', undefined, undefined);
  }

  run(): void {
    this.#move(this.#a);
    this.#move(this.#b);
  }

  lastMoveMs(): number {
    return Math.max(this.#a.from.lastActiveMs, this.#b.from.lastActiveMs);
  }

  onIdle(): void {
    this.#break('idle_timeout', undefined, undefined);
  }

  onSideClosed({ name }: RelayDirection): void {
    this.#break('reset', name, undefined);
  }

  onSideReady(side: RelayDirection, ready: number): void {
    if ((ready & READABLE) !== 0) this.#move(side);
    // Every message of an idle socket says that it is writable, too.
    if ((ready & Ready.writable) !== 0 && this.#otherOf(side).awaitsWritable) this.#move(this.#otherOf(side));
    // What came before the error was moved as far as the other takes it. The rest is lost, as it is on a reset without a relay.
    if ((ready & Ready.error) === 0 || !this.isOpen) return;
    const error = side.from.error ?? side.from.takeError();
    if (error !== undefined) this.#breakFor(side, error);
  }

  #begin(): void {
    const { core, hub } = this.context;
    core.look();
    this.#restartIdle(this.#options.idleTimeoutMs ?? 0);
    const splices = this.mode === 'always';
    const fromA = this.#a.connection.giveTo(this.#a, this.#b.from, splices);
    const fromB = this.#b.connection.giveTo(this.#b, this.#a.from, splices);
    for (const bytes of fromA) this.#b.from.queue.push(bytes);
    for (const bytes of fromB) this.#a.from.queue.push(bytes);
    // A side that is closed already is noticed outside of the user's call.
    for (const side of [this.#a, this.#b]) if (!side.connection.isOpen) hub.tellLater(() => side.onClosed());
    hub.schedule(this);
  }

  #otherOf(side: RelayDirection): RelayDirection {
    return side === this.#a ? this.#b : this.#a;
  }

  #move(side: RelayDirection): void {
    if (!this.isOpen) return;
    const moved = side.move();
    if (moved === 'waiting') return;
    if (moved === 'more') {
      this.context.hub.schedule(this);
      return;
    }
    const other = this.#otherOf(side);
    if (moved === 'done') this.#onDirectionDone(side, other);
    else this.#breakFor(moved === 'from_broken' ? side : other, (moved === 'from_broken' ? side : other).from.error);
  }

  #onDirectionDone(side: RelayDirection, other: RelayDirection): void {
    // Closing passes the second end on.
    if (other.isDone) {
      this.#finish('ended', side.name, undefined);
      return;
    }
    // Of a UNIX socket that is closed altogether one could tell now, and a reset would take from the other what the kernel has not delivered to it yet.
    // As with TCP, that is noticed when something is to be brought there.
    if (this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    side.passEndOn();
    const { halfCloseTimeoutMs, idleTimeoutMs = 0 } = this.#options;
    this.#restartIdle(halfCloseTimeoutMs ?? idleTimeoutMs);
  }

  #restartIdle(timeoutMs: number): void {
    this.#a.from.noteActive();
    this.#idle.set(timeoutMs);
    this.context.hub.wake();
  }

  #breakFor(side: RelayDirection, error: NodeJS.ErrnoException | undefined): void {
    const isReset = error === undefined || reasonOf(error, true) === 'reset';
    this.#break(isReset ? 'reset' : 'network_error', side.name, error);
  }

  #break(end: RelayEnd, by: SideName | undefined, error: Error | undefined): void {
    if (!this.isOpen) return;
    for (const { connection, from } of [this.#a, this.#b]) if (connection.isOpen) this.context.sockets.resetOnClose(from.fd);
    this.#finish(end, by, error);
  }

  #finish(end: RelayEnd, by: SideName | undefined, error: Error | undefined): void {
    this.isOpen = false;
    this.#idle.cancel();
    this.#a.release();
    this.#b.release();
    const { core, hub } = this.context;
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
