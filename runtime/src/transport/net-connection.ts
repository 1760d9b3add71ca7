import type { Socket } from 'node:net';
import type { ByteConnection, ByteHandler } from './byte-connection.ts';
import { KEEP_ALIVE_MS } from './tcp-transport.ts';

/** Frames that are larger on average are passed to the system one by one, because copying them would cost more than it saves. */
const COPY_BYTES_MAX = 2_048;

/** A connection on a socket of node:net, or on one of TLS above it. */
export class NetConnection implements ByteConnection {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get remote(): string {
    return `${this.#socket.remoteAddress ?? '?'}:${this.#socket.remotePort ?? 0}`;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: ByteHandler): void {
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('data', (chunk: Uint8Array) => handler.onBytes(chunk));
    socket.on('error', error => handler.onEnd(error));
    socket.on('end', () => handler.onEnd(undefined));
    socket.on('close', () => handler.onEnd(undefined));
    socket.on('drain', () => handler.onDrain());
    // It may have been accepted paused.
    socket.resume();
  }

  write(frames: readonly Uint8Array[], bytes: number): void {
    const socket = this.#socket;
    if (frames.length === 1) socket.write(frames[0] as Uint8Array);
    else if (bytes <= COPY_BYTES_MAX * frames.length) socket.write(concatenate(frames, bytes));
    else {
      socket.cork();
      for (const frame of frames) socket.write(frame);
      socket.uncork();
    }
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  onceClosed(callback: () => void): void {
    this.#socket.once('close', callback);
  }

  giveAway(): Socket {
    return this.#socket;
  }
}

function concatenate(frames: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const frame of frames) {
    all.set(frame, at);
    at += frame.length;
  }
  return all;
}
