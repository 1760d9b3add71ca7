import type { Socket } from 'node:net';
import { FrameDecoder } from '@lars/proto';

export interface FirstFramesDeps {
  /** @returns whether enough is said. What it throws ends the exchange. */
  readonly onFrame: (id: number, body: Uint8Array) => boolean;
  /** Enough is said: the socket belongs to whoever takes it now. */
  readonly onDone: () => void;
  /** Called once, and not after onDone. The socket is left to the owner. */
  readonly onFailed: (error: Error) => void;
  readonly onLate: () => void;
}

/** They are nonces and proofs, and a remote may be anybody. */
const MAX_BODY_BYTES = 1_024;

/** What the two ends of a new connection say before its owner takes it: whole frames, within a time. */
export class FirstFrames {
  readonly #socket: Socket;
  readonly #deps: FirstFramesDeps;
  readonly #decoder = new FrameDecoder(MAX_BODY_BYTES);
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(socket: Socket, timeoutMs: number, deps: FirstFramesDeps) {
    this.#socket = socket;
    this.#deps = deps;
    this.#timer = setTimeout(() => deps.onLate(), timeoutMs);
    socket.on('data', this.#onData).on('error', this.#onError).on('close', this.#onClose).on('end', this.#onClose);
  }

  /** Listens no more. */
  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket.off('data', this.#onData).off('error', this.#onError).off('close', this.#onClose).off('end', this.#onClose);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    let taken = 0;
    let isDone = false;
    try {
      taken = this.#decoder.push(chunk, (id, body) => {
        if (this.#isOver) return;
        isDone = this.#deps.onFrame(id, body);
        if (isDone || this.#isOver) this.#decoder.stop();
      });
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    if (!isDone || this.#isOver) return;
    this.stop();
    this.#deps.onDone();
    if (taken < chunk.length && !this.#socket.destroyed) this.#socket.unshift(chunk.subarray(taken));
  };

  readonly #onError = (error: Error): void => this.#fail(error);
  readonly #onClose = (): void => this.#fail(new Error('it hung up'));

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.stop();
    this.#deps.onFailed(error);
  }
}
