import { FrameDecoder, LarsProtocolError } from '@lars/proto';
import type { ByteConnection, ByteHandler } from '../transport/byte-connection.ts';
import { OutgoingFrames } from './outgoing-frames.ts';
import { isTlsRecord } from './tls-record.ts';

/** Why a connection ended; metrics count by these words. */
export type CloseReason =
  | 'remote' // the other side closed, or the network did
  | 'stopped' // we are shutting down
  | 'BAD_LENGTH'
  | 'BAD_MESSAGE_ID'
  | 'BAD_BODY'
  | 'partial_frame_timeout' // half a frame, then silence
  | 'write_buffer_full' // the remote does not read
  | 'too_much_memory' // it asked for more than one may
  | 'speaks_tls' // and we do not
  | 'quiet' // it has asked nothing for long, and others need the room
  | 'handler_error'; // a bug of ours; the log has it

export interface ConnectionLimits {
  readonly maxBodyBytes: number;
  /** A frame that has begun must be whole within this time. */
  readonly partialFrameTimeoutMs: number;
  /** More unsent bytes than this and the connection is closed. */
  readonly maxWriteBufferBytes: number;
  /**
   * A remote with this large a backlog of answers is not read from before it has taken all of them; one that takes a minute for it is
   * closed. Only for a side whose remote always reads: two sides that wait for each other wait for ever.
   */
  readonly pauseReadingAtBytes?: number;
}

export interface ConnectionEvents {
  /** Something has been read. */
  onRead?(connection: FramedConnection): void;
  /** One whole frame; its body lies at bytes[from, to), and is valid during the call only. A LarsProtocolError that it throws closes the connection. */
  onFrameInPlace(connection: FramedConnection, id: number, bytes: Uint8Array, from: number, to: number): void;
  onClose(connection: FramedConnection, reason: CloseReason, error: unknown): void;
}

const END_GRACE_MS = 300;
/** How long a remote may take for the backlog that made us pause reading. */
const STALLED_MS = 60_000;
/** Queued bytes leave when there are this many: the system may take them while the rest is being made. */
const FLUSH_BYTES = 65_536;

/** One TCP connection that speaks frames, with the limits that keep a bad remote from costing more than its own connection. */
export class FramedConnection implements ByteHandler {
  /** When something was read last, where the owner notes that. */
  lastReadMs = 0;
  readonly #bytes: ByteConnection;
  readonly #limits: ConnectionLimits;
  readonly #events: ConnectionEvents;
  readonly #decoder: FrameDecoder;
  readonly #outgoing = new OutgoingFrames();
  /** A chunk is being handled; what is sent meanwhile leaves at the chunk's end. */
  #handling = false;
  /** Nothing has been read yet. */
  #isNew = true;
  /** The chunk completed a frame. */
  #completed = false;
  #partialTimer: NodeJS.Timeout | undefined;
  #stallTimer: NodeJS.Timeout | undefined;
  /** The owner has called pause(). */
  #isPaused = false;
  /** Bytes that were read and not handled, because they would only have made more answers. */
  #unhandled: Uint8Array | undefined;
  #closed = false;

  constructor(bytes: ByteConnection, limits: ConnectionLimits, events: ConnectionEvents) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#events = events;
    this.#decoder = new FrameDecoder(limits.maxBodyBytes);
    bytes.start(this);
  }

  /** Address and port of the other end, as long as it is open. */
  get remote(): string {
    return this.#bytes.remote;
  }

  /** Bytes that were sent, or wait for a flush, and that the remote has not taken. */
  get unsentBytes(): number {
    return this.#outgoing.bytes + this.#bytes.unsentBytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Sends bytes, which must not be changed afterwards. What is sent while the frames of one chunk are handled leaves together.
   * @returns false when the connection is closed, or was closed now because the remote does not read
   */
  send(bytes: Uint8Array): boolean {
    return this.queue(bytes) && (this.#handling || this.flush());
  }

  /** Like send, but the bytes may wait for the next flush, so that many small frames leave in one system call. */
  queue(bytes: Uint8Array): boolean {
    if (this.#closed) return false;
    this.#outgoing.push(bytes);
    return this.#outgoing.bytes < FLUSH_BYTES || this.flush();
  }

  /** Sends what is queued now; returns what send does. */
  flush(): boolean {
    if (this.#closed) return false;
    if (this.#outgoing.bytes === 0) return true;
    this.#outgoing.writeTo(this.#bytes);
    const unsent = this.#bytes.unsentBytes;
    if (unsent > this.#limits.maxWriteBufferBytes) {
      this.#close('write_buffer_full', undefined);
      return false;
    }
    const { pauseReadingAtBytes } = this.#limits;
    if (pauseReadingAtBytes !== undefined && unsent > pauseReadingAtBytes) this.#waitForDrain();
    return true;
  }

  /** Backpressure: stops reading until resume. */
  pause(): void {
    this.#isPaused = true;
    this.#stopReading();
  }

  resume(): void {
    this.#isPaused = false;
    this.#continueReading();
  }

  #stopReading(): void {
    this.#bytes.pause();
    // While we do not read, a missing rest of a frame is not the remote's fault.
    this.#stopPartialTimer();
  }

  /** Handles the bytes kept from the last read before reading more; their answers may fill the write buffer again. */
  #continueReading(): void {
    if (this.#mayNotRead) return;
    const unhandled = this.#unhandled;
    this.#unhandled = undefined;
    if (unhandled !== undefined) this.onBytes(unhandled);
    if (this.#mayNotRead || this.#closed) return;
    this.#bytes.resume();
    this.#watchPartialFrame(false);
  }

  get #mayNotRead(): boolean {
    return this.#isPaused || this.#stallTimer !== undefined;
  }

  #waitForDrain(): void {
    if (this.#stallTimer !== undefined || this.#closed) return;
    this.#stallTimer = setTimeout(() => this.#close('write_buffer_full', undefined), STALLED_MS);
    this.#stallTimer.unref();
    this.#stopReading();
    if (this.#handling) this.#decoder.stop();
  }

  onDrain(): void {
    if (this.#stallTimer === undefined) return;
    clearTimeout(this.#stallTimer);
    this.#stallTimer = undefined;
    if (!this.#closed) this.#continueReading();
  }

  /** Sends what is queued, then closes; a remote that does not take it within END_GRACE_MS is not waited for. */
  end(): void {
    if (!this.flush()) return;
    this.#finish('stopped', undefined);
    this.#bytes.end();
    const timer = setTimeout(() => this.#bytes.destroy(), END_GRACE_MS);
    this.#bytes.onceClosed(() => clearTimeout(timer));
  }

  /** Closes at once. @param error says why, for the log */
  destroy(reason: CloseReason = 'stopped', error?: Error): void {
    this.#close(reason, error);
  }

  onEnd(error: Error | undefined): void {
    this.#close('remote', error);
  }

  onBytes(chunk: Uint8Array): void {
    if (this.#closed) return;
    if (this.#isNew && isTlsRecord(chunk)) {
      this.#close('speaks_tls', new Error('it speaks TLS, and [security] tls_folder is empty here'));
      return;
    }
    this.#isNew = false;
    this.#events.onRead?.(this);
    this.#handling = true;
    this.#completed = false;
    try {
      const taken = this.#decoder.pushInPlace(chunk, this.#onFrame);
      if (taken < chunk.length) this.#unhandled = new Uint8Array(chunk.subarray(taken));
      this.#watchPartialFrame(this.#completed);
    } catch (error) {
      this.#close(error instanceof LarsProtocolError ? protocolReason(error) : 'handler_error', error);
    }
    this.#handling = false;
    this.flush();
  }

  readonly #onFrame = (id: number, bytes: Uint8Array, from: number, to: number): void => {
    this.#completed = true;
    if (!this.#closed) this.#events.onFrameInPlace(this, id, bytes, from, to);
  };

  /** The timer runs from the moment a frame is incomplete, and starts again with every frame that was completed. */
  #watchPartialFrame(completed: boolean): void {
    if (completed || this.#decoder.pendingBytes === 0) this.#stopPartialTimer();
    if (this.#decoder.pendingBytes === 0 || this.#partialTimer !== undefined || this.#closed || this.#mayNotRead) return;
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
    this.#bytes.destroy();
  }

  #finish(reason: CloseReason, error: unknown): void {
    this.#closed = true;
    this.#unhandled = undefined;
    this.#stopPartialTimer();
    clearTimeout(this.#stallTimer);
    this.#events.onClose(this, reason, error);
  }
}

function protocolReason(error: LarsProtocolError): CloseReason {
  return error.code === 'BAD_ADDRESS' ? 'BAD_BODY' : error.code;
}
