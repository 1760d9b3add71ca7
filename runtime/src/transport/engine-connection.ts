import type { Connection, ConnectionHandler } from '@lars/reactor';
import type { ByteConnection, ByteHandler } from './byte-connection.ts';

/** As much as an engine sends at once. */
const GATHER_BYTES = 65_536;
/** Frames are gathered here to leave with one system call. An engine copies what it is given, so that one buffer serves the thread. */
const gathered = Buffer.allocUnsafeSlow(GATHER_BYTES);

/** A connection of an engine of `reactor`. */
export class EngineConnection implements ByteConnection, ConnectionHandler {
  readonly #connection: Connection;
  #handler: ByteHandler | undefined;
  #closedCallbacks: (() => void)[] = [];

  /** @param connection that was not started */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get remote(): string {
    const { host = '?', port = 0 } = this.#connection.remoteAddress ?? {};
    return `${host}:${port}`;
  }

  get unsentBytes(): number {
    return this.#connection.unsentBytes;
  }

  start(handler: ByteHandler): void {
    this.#handler = handler;
    this.#connection.start(this);
  }

  write(frames: readonly Uint8Array[]): void {
    const connection = this.#connection;
    if (frames.length === 1) {
      connection.write(frames[0] as Uint8Array);
      return;
    }
    let filled = 0;
    for (const frame of frames) {
      if (filled + frame.length > GATHER_BYTES) {
        connection.write(gathered.subarray(0, filled));
        filled = 0;
      }
      if (frame.length > GATHER_BYTES) connection.write(frame);
      else {
        gathered.set(frame, filled);
        filled += frame.length;
      }
    }
    if (filled > 0) connection.write(gathered.subarray(0, filled));
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    this.#connection.end();
    this.#connection.resume();
  }

  destroy(): void {
    this.#connection.destroy();
    // An engine does not tell of the end of a connection that was not started.
    if (this.#handler === undefined) queueMicrotask(() => this.#tellClosed());
  }

  onceClosed(callback: () => void): void {
    this.#closedCallbacks.push(callback);
  }

  giveAway(): number {
    return this.#connection.detach().fd;
  }

  onData(_connection: Connection, bytes: Uint8Array): void {
    this.#handler?.onBytes(bytes);
  }

  onDrain(): void {
    this.#handler?.onDrain();
  }

  onEnd(): void {
    this.#handler?.onEnd(undefined);
  }

  onClose(_connection: Connection, _reason: string, error: Error | undefined): void {
    this.#handler?.onEnd(error);
    this.#tellClosed();
  }

  #tellClosed(): void {
    const callbacks = this.#closedCallbacks;
    this.#closedCallbacks = [];
    for (const callback of callbacks) callback();
  }
}
