import type { Socket } from 'node:net';
import { FrameDecoder, LarsProtocolError } from '@lars/proto';
import { OutgoingFrames } from './outgoing-frames.ts';

/** Why a connection ended; metrics count by these words. */
export type CloseReason =
  | 'peer' // the other side closed, or the network did
  | 'stopped' // we are shutting down
  | 'BAD_LENGTH'
  | 'BAD_MESSAGE_ID'
  | 'BAD_BODY'
  | 'partial_frame_timeout' // half a frame, then silence
  | 'write_buffer_full' // the peer does not read
  | 'handler_error'; // a bug of ours; the log has it

export interface ConnectionLimits {
  readonly maxBodyBytes: number;
  /** A frame that has begun must be whole within this time. */
  readonly partialFrameTimeoutMs: number;
  /** More unsent bytes than this and the connection is closed. */
  readonly maxWriteBufferBytes: number;
  /**
   * A peer that has so many bytes of answers to take is not read from before it has taken all of them; one that takes a minute for it is
   * closed. Only for a side whose peer always reads: two that wait for each other wait for ever.
   */
  readonly pauseReadingAtBytes?: number;
}

export interface ConnectionEvents {
  /** One whole frame; `body` is valid during the call only. A LarsProtocolError that it throws closes the connection. */
  onFrame(connection: FramedConnection, id: number, body: Uint8Array): void;
  onClose(connection: FramedConnection, reason: CloseReason, error: unknown): void;
}

const END_GRACE_MS = 300;
/** So long may a peer take for what made us pause reading. */
const STALLED_MS = 60_000;
/** What is collected leaves when it has grown to this: the system may take it while the rest is being made. */
const FLUSH_BYTES = 65_536;

/** One TCP connection that speaks frames, with the limits that keep a bad peer from costing more than its own connection. */
export class FramedConnection {
  readonly remote: string;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #events: ConnectionEvents;
  readonly #decoder: FrameDecoder;
  readonly #outgoing = new OutgoingFrames();
  /** A chunk is being handled: what is sent meanwhile leaves at its end. */
  #handling = false;
  #completed = false;
  #partialTimer: NodeJS.Timeout | undefined;
  #stallTimer: NodeJS.Timeout | undefined;
  /** Told not to read. */
  #isPaused = false;
  /** What was read and not handled: it would only have made more answers. */
  #rest: Uint8Array | undefined;
  #closed = false;

  constructor(socket: Socket, limits: ConnectionLimits, events: ConnectionEvents) {
    this.#socket = socket;
    this.#limits = limits;
    this.#events = events;
    this.#decoder = new FrameDecoder(limits.maxBodyBytes);
    this.remote = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
    socket.on('error', error => this.#close('peer', error));
    socket.on('end', () => this.#close('peer', undefined));
    socket.on('close', () => this.#close('peer', undefined));
    if (limits.pauseReadingAtBytes !== undefined) socket.on('drain', () => this.#onDrain());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends bytes to the peer; they must not be changed afterwards. What is sent while the frames of one chunk are handled leaves
   * together.
   * @returns false when the connection is closed, or was closed now because the peer does not read
   */
  send(bytes: Uint8Array): boolean {
    return this.queue(bytes) && (this.#handling || this.flush());
  }

  /** Like send, but it may wait for the next flush, so that many small frames leave in one system call. */
  queue(bytes: Uint8Array): boolean {
    if (this.#closed) return false;
    this.#outgoing.push(bytes);
    return this.#outgoing.bytes < FLUSH_BYTES || this.flush();
  }

  /** What was queued leaves now; returns what send does. */
  flush(): boolean {
    if (this.#closed) return false;
    if (this.#outgoing.bytes === 0) return true;
    this.#outgoing.writeTo(this.#socket);
    const unsent = this.#socket.writableLength;
    if (unsent > this.#limits.maxWriteBufferBytes) {
      this.#close('write_buffer_full', undefined);
      return false;
    }
    const { pauseReadingAtBytes } = this.#limits;
    if (pauseReadingAtBytes !== undefined && unsent > pauseReadingAtBytes) this.#waitForDrain();
    return true;
  }

  /** Backpressure: stops reading from the peer until resume. */
  pause(): void {
    this.#isPaused = true;
    this.#stopReading();
  }

  resume(): void {
    this.#isPaused = false;
    this.#readOn();
  }

  #stopReading(): void {
    this.#socket.pause();
    // What we do not read is not the peer's silence.
    this.#stopPartialTimer();
  }

  /** First what was read already, which may make answers enough to wait again. */
  #readOn(): void {
    if (this.#isHeldUp) return;
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.#onData(rest);
    if (this.#isHeldUp || this.#closed) return;
    this.#socket.resume();
    this.#watchPartialFrame(false);
  }

  get #isHeldUp(): boolean {
    return this.#isPaused || this.#stallTimer !== undefined;
  }

  #waitForDrain(): void {
    if (this.#stallTimer !== undefined || this.#closed) return;
    this.#stallTimer = setTimeout(() => this.#close('write_buffer_full', undefined), STALLED_MS);
    this.#stallTimer.unref();
    this.#stopReading();
    if (this.#handling) this.#decoder.stop();
  }

  #onDrain(): void {
    if (this.#stallTimer === undefined) return;
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
    if (!this.#closed) this.#readOn();
  }

  /** Sends what is queued, then closes; a peer that does not take it within END_GRACE_MS is not waited for. */
  end(): void {
    if (!this.flush()) return;
    this.#finish('stopped', undefined);
    this.#socket.end();
    // A paused socket would never see that the peer closes too; what it still brings is thrown away.
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), END_GRACE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  /** Closes at once. */
  destroy(): void {
    this.#close('stopped', undefined);
  }

  #onData(chunk: Uint8Array): void {
    if (this.#closed) return;
    this.#handling = true;
    this.#completed = false;
    try {
      const taken = this.#decoder.push(chunk, this.#onFrame);
      if (taken < chunk.length) this.#rest = chunk.subarray(taken);
      this.#watchPartialFrame(this.#completed);
    } catch (error) {
      this.#close(error instanceof LarsProtocolError ? protocolReason(error) : 'handler_error', error);
    }
    this.#handling = false;
    this.flush();
  }

  readonly #onFrame = (id: number, body: Uint8Array): void => {
    this.#completed = true;
    if (!this.#closed) this.#events.onFrame(this, id, body);
  };

  /** The clock runs from the moment a frame is incomplete, and starts again with every frame that was completed. */
  #watchPartialFrame(completed: boolean): void {
    if (completed || this.#decoder.pendingBytes === 0) this.#stopPartialTimer();
    if (this.#decoder.pendingBytes === 0 || this.#partialTimer !== undefined || this.#closed || this.#socket.isPaused()) return;
    this.#partialTimer = setTimeout(() => this.#close('partial_frame_timeout', undefined), this.#limits.partialFrameTimeoutMs);
    this.#partialTimer.unref();
  }

  #stopPartialTimer(): void {
    clearTimeout(this.#partialTimer);
    this.#partialTimer = undefined;
  }

  #close(reason: CloseReason, error: unknown): void {
    if (this.#closed) return;
    this.#finish(reason, error);
    this.#socket.destroy();
  }

  #finish(reason: CloseReason, error: unknown): void {
    this.#closed = true;
    this.#rest = undefined;
    this.#stopPartialTimer();
    clearTimeout(this.#stallTimer);
    this.#events.onClose(this, reason, error);
  }
}

function protocolReason(error: LarsProtocolError): CloseReason {
  return error.code === 'BAD_ADDRESS' ? 'BAD_BODY' : error.code;
}
