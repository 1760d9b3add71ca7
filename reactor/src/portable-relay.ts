import type { CloseReason, Connection, ConnectionHandler, Relay, RelayEnd, RelayOptions, RelayResult } from './engine.ts';
import type { EngineCore } from './engine-core.ts';
import { IdleTimer } from './idle-timer.ts';

type Side = 'a' | 'b';

/** A relay by nothing but what connections offer to everybody: reading, writing, waiting. */
export class PortableRelay implements Relay {
  readonly #core: EngineCore;
  readonly #sides: Readonly<Record<Side, Connection>>;
  readonly #options: RelayOptions;
  readonly #onDone: (result: RelayResult) => void;
  /** What each had been given to send before: it does not count. */
  readonly #before: Readonly<Record<Side, number>>;
  readonly #idle: IdleTimer;
  #result: Pick<RelayResult, 'end' | 'by' | 'error'> | undefined;
  #isHalfClosed = false;
  #endedLast: Side | undefined;
  #closed = 0;
  #lastActiveMs = 0;
  #seenBytes = 0;

  constructor(core: EngineCore, a: Connection, b: Connection, options: RelayOptions, onDone: (result: RelayResult) => void) {
    this.#core = core;
    this.#sides = { a, b };
    this.#options = options;
    this.#onDone = onDone;
    this.#before = { a: a.bytesWritten + a.unsentBytes, b: b.bytesWritten + b.unsentBytes };
    this.#idle = new IdleTimer(core, {
      lastMoveMs: () => this.#lastMoveMs(),
      onIdle: () => this.#break('idle_timeout', undefined, undefined),
    });
    core.counters.relays += 1;
    core.look();
    this.#idle.set(options.idleTimeoutMs ?? 0);
    this.#take('a', 'b');
    this.#take('b', 'a');
  }

  get isOpen(): boolean {
    return this.#closed < 2;
  }

  get bytesAToB(): number {
    return this.#sentTo('b');
  }

  get bytesBToA(): number {
    return this.#sentTo('a');
  }

  stop(): void {
    this.#break('stopped', undefined, undefined);
  }

  #take(side: Side, otherSide: Side): void {
    const connection = this.#sides[side];
    const other = this.#sides[otherSide];
    const handler: ConnectionHandler = {
      onData: (_, bytes) => {
        this.#lastActiveMs = this.#core.readClock();
        if (!other.write(bytes)) connection.pause();
      },
      onDrain: () => {
        this.#lastActiveMs = this.#core.readClock();
        other.resume();
      },
      onEnd: () => {
        this.#endedLast = side;
        other.end();
        this.#onHalfClose();
      },
      onClose: (_, reason, error) => this.#onClose(side, reason, error),
    };
    if (!connection.isOpen) {
      setImmediate(() => this.#onClose(side, 'reset', undefined));
      return;
    }
    connection.start(handler);
    // The first bytes may have to wait for those that were queued before.
    if (other.unsentBytes > 0) connection.pause();
    connection.resume();
  }

  #onHalfClose(): void {
    if (this.#isHalfClosed) return;
    this.#isHalfClosed = true;
    const { halfCloseTimeoutMs, idleTimeoutMs = 0 } = this.#options;
    this.#core.look();
    this.#idle.set(halfCloseTimeoutMs ?? idleTimeoutMs);
  }

  #onClose(side: Side, reason: CloseReason, error: Error | undefined): void {
    this.#closed += 1;
    if (reason === 'ended') {
      if (this.#closed === 2) this.#result ??= { end: 'ended', by: this.#endedLast, error: undefined };
    } else this.#break(endOf(reason), side, error);
    if (this.#closed === 2) this.#finish();
  }

  #break(end: RelayEnd, by: Side | undefined, error: Error | undefined): void {
    if (this.#result !== undefined) return;
    if (end === 'idle_timeout') this.#core.counters.idleTimeouts += 1;
    this.#result = { end, by, error };
    this.#sides.a.reset();
    this.#sides.b.reset();
  }

  #finish(): void {
    this.#idle.cancel();
    this.#core.counters.relays -= 1;
    const { end, by, error } = this.#result ?? { end: 'ended', by: undefined, error: undefined };
    const { bytesAToB, bytesBToA } = this;
    this.#core.contain(() => this.#onDone({ end, by, error, bytesAToB, bytesBToA }));
  }

  /** A remote that takes queued bytes slowly shows by nothing but the count. */
  #lastMoveMs(): number {
    const bytes = this.bytesAToB + this.bytesBToA;
    if (bytes === this.#seenBytes) return this.#lastActiveMs;
    this.#seenBytes = bytes;
    this.#lastActiveMs = this.#core.nowMs;
    return this.#lastActiveMs;
  }

  #sentTo(side: Side): number {
    return Math.max(0, this.#sides[side].bytesWritten - this.#before[side]);
  }
}

function endOf(reason: CloseReason): RelayEnd {
  if (reason === 'network_error' || reason === 'idle_timeout' || reason === 'reset') return reason;
  return 'stopped';
}
