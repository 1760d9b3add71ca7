/** A TCP connection: two directions of bytes in order. They may come late and in pieces; a cut takes them, and may tell nobody. */
import { systemError } from './disk.ts';
import { kernel } from './kernel.ts';
import type { Machine } from './machine.ts';
import { network } from './network.ts';
import type { SimulatedProcess } from './process.ts';

/** What a connection needs of a socket. */
export interface Endpoint {
  readonly process: SimulatedProcess;
  readonly destroyed: boolean;
  push(bytes: Uint8Array | null): boolean;
  destroy(error?: Error): unknown;
}

type Done = (error?: Error | null) => void;
type Item = { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'end' | 'reset' };

/** Where nothing passes, the system asks again so often. */
const RESEND_MS = 200;
const HEAD_BYTES = 16;
/** Keepalive: 60 s of silence, then ten probes. */
const DEAD_AFTER_MS = 70_000;

export interface ConnectionTaps {
  /** Bytes that a client has written to the server on that port. */
  onClientBytes(connection: Connection, bytes: Uint8Array): void;
  /** Bytes that the server has written, and the client has got. */
  onServerBytes(connection: Connection, bytes: Uint8Array): void;
}

/** Of the world that is simulated now. */
export const openConnections = new Set<Connection>();
let taps: ConnectionTaps | undefined;

export function tapConnections(given: ConnectionTaps | undefined): void {
  taps = given;
  openConnections.clear();
}

export class Connection {
  readonly client: ConnectionSide;
  readonly server: ConnectionSide;
  readonly port: number;
  readonly clientProcess: SimulatedProcess;
  readonly serverProcess: SimulatedProcess;
  /** Nothing passes any more, and nobody is told. */
  isSilent = false;

  constructor(client: Endpoint, server: Endpoint, port: number) {
    this.port = port;
    this.clientProcess = client.process;
    this.serverProcess = server.process;
    this.client = new ConnectionSide(
      this,
      client,
      () => this.server,
      bytes => taps?.onClientBytes(this, bytes),
    );
    this.server = new ConnectionSide(this, server, () => this.client, undefined);
    this.client.onDelivered = bytes => taps?.onServerBytes(this, bytes);
    openConnections.add(this);
  }

  get machines(): readonly [Machine, Machine] {
    return [this.clientProcess.machine, this.serverProcess.machine];
  }

  /** Both sides are told at once. */
  reset(): void {
    openConnections.delete(this);
    for (const side of [this.client, this.server]) side.breakOff(systemError('ECONNRESET', 'read'), network.tcpDelay());
  }

  /** Nobody is told; long afterwards the system notices by itself. */
  silence(): void {
    this.isSilent = true;
    openConnections.delete(this);
    for (const side of [this.client, this.server]) side.breakOff(systemError('ETIMEDOUT', 'read'), DEAD_AFTER_MS);
  }
}

/** One end: what it writes is carried to the other. */
export class ConnectionSide {
  onDelivered: ((bytes: Uint8Array) => void) | undefined;
  readonly #connection: Connection;
  readonly #endpoint: Endpoint;
  readonly #other: () => ConnectionSide;
  readonly #onWritten: ((bytes: Uint8Array) => void) | undefined;
  /** No item arrives before the one before it. */
  #lastArrivalMs = 0;
  /** On their way, or waiting to be read by the other side. */
  #bytesUnderWay = 0;
  #waiting: Done | undefined;
  /** What could not pass, in order. */
  readonly #stuck: Item[] = [];
  /** Came, and cannot be read yet. */
  readonly #unread: Item[] = [];
  #mayPush = true;
  #isClosed = false;
  #hasEnded = false;

  constructor(
    connection: Connection,
    endpoint: Endpoint,
    other: () => ConnectionSide,
    onWritten: ((bytes: Uint8Array) => void) | undefined,
  ) {
    this.#connection = connection;
    this.#endpoint = endpoint;
    this.#other = other;
    this.#onWritten = onWritten;
  }

  write(bytes: Uint8Array, done: Done): void {
    this.#onWritten?.(bytes);
    this.#bytesUnderWay += bytes.length;
    for (const piece of piecesOf(bytes)) this.#carry({ kind: 'bytes', bytes: piece });
    if (this.#bytesUnderWay <= network.trouble.windowBytes) done();
    else this.#waiting = done;
  }

  endWriting(): void {
    this.#hasEnded = true;
    this.#carry({ kind: 'end' });
  }

  /** The socket is gone. @param isReset the other side is told so, and loses what it has not read */
  close(isReset: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    openConnections.delete(this.#connection);
    if (isReset) this.#carry({ kind: 'reset' });
    else if (!this.#hasEnded) this.#carry({ kind: 'end' });
  }

  /** The machine is off: nothing leaves. When it is on again, it does not know the connection, and says so to whoever asks. */
  vanish(): void {
    this.#isClosed = true;
    this.#connection.silence();
  }

  breakOff(error: Error, delayMs: number): void {
    kernel.schedule(delayMs, this.#endpoint.process, () => this.#endpoint.destroy(error));
  }

  /** The stream wants more. */
  onRead(): void {
    this.#mayPush = true;
    this.#pushUnread();
  }

  #carry(item: Item): void {
    const atMs = Math.max(this.#lastArrivalMs, kernel.nowMs + network.tcpDelay());
    this.#lastArrivalMs = atMs;
    kernel.schedule(atMs - kernel.nowMs, undefined, () => this.#arrive(item));
  }

  #arrive(item: Item): void {
    const [one, other] = this.#connection.machines;
    if (this.#connection.isSilent) return;
    if (!network.isCut(one, other) && this.#stuck.length === 0) {
      const receiver = this.#other();
      kernel.schedule(0, receiver.#endpoint.process, () => receiver.#take(item, this));
      return;
    }
    this.#stuck.push(item);
    if (this.#stuck.length === 1) kernel.schedule(RESEND_MS, undefined, () => this.#resend());
  }

  #resend(): void {
    const items = this.#stuck.splice(0);
    for (const item of items) this.#arrive(item);
  }

  #take(item: Item, sender: ConnectionSide): void {
    if (this.#endpoint.destroyed) {
      if (item.kind === 'bytes') sender.breakOff(systemError('ECONNRESET', 'write'), network.tcpDelay());
      return;
    }
    if (item.kind === 'reset') {
      this.#endpoint.destroy(systemError('ECONNRESET', 'read'));
      return;
    }
    this.#unread.push(item);
    this.#pushUnread();
  }

  #pushUnread(): void {
    while (this.#mayPush) {
      const item = this.#unread.shift();
      if (item === undefined) return;
      if (item.kind === 'bytes') {
        this.#other().#taken(item.bytes.length);
        this.onDelivered?.(item.bytes);
        this.#mayPush = this.#endpoint.push(item.bytes);
      } else this.#endpoint.push(null);
    }
  }

  #taken(bytes: number): void {
    this.#bytesUnderWay -= bytes;
    const waiting = this.#waiting;
    if (waiting === undefined || this.#bytesUnderWay > network.trouble.windowBytes) return;
    this.#waiting = undefined;
    kernel.schedule(0, this.#endpoint.process, waiting);
  }
}

function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const whole = bytes.slice();
  if (!network.trouble.isInPieces || bytes.length < 2 || kernel.chance(0.4)) return [whole];
  // Half of the cuts are in the first bytes, where a frame has its header.
  const most = kernel.chance(0.5) ? Math.min(bytes.length, HEAD_BYTES) : bytes.length;
  const at = 1 + Math.floor(kernel.random() * (most - 1));
  return [whole.subarray(0, at), whole.subarray(at)];
}
