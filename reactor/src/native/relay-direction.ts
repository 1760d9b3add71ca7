import type { Pipe } from '../linux/pipe-pool.ts';
import type { RelaySide } from './connection-deps.ts';
import type { SocketConnection } from './socket-connection.ts';
import { AGAIN, BROKEN, type SocketContext, type StreamSocket, UNSUPPORTED } from './stream-socket.ts';

/** So many full reads of such a size in a row show a bulk transfer, which is cheaper through a pipe. */
const FULL_READS = 3;
const READ_BYTES = 16_384;
/** So many small moves in a row through the pipe show that it is over, and copying is cheaper. */
const SMALL_MOVES = 16;
const SMALL_BYTES = 8_192;
/** How often in a row bytes are read before others have their turn. */
const READS_IN_A_ROW = 4;

export type SpliceMode = 'auto' | 'never' | 'always';
/** What became of a try to move: nothing more can be done now; there is more, and others come first; the end has come, and everything before it is gone; one of the two is broken. */
export type Moved = 'waiting' | 'more' | 'done' | 'from_broken' | 'to_broken';

export type SideName = 'a' | 'b';

/** The relay of two directions. */
export interface RelayOwner {
  readonly isOpen: boolean;
  readonly context: SocketContext;
  readonly mode: SpliceMode;
  /** @param ready a sum of Ready, of the connection from which the direction comes */
  onSideReady(direction: RelayDirection, ready: number): void;
  /** Somebody has closed that connection. */
  onSideClosed(direction: RelayDirection): void;
}

/**
 * One direction of a relay, and the side from which it comes: what its connection tells goes to the relay. It is done, and the end may be passed on, when everything before
 * it has been taken by the kernel: the queue and the pipe are empty.
 */
export class RelayDirection implements RelaySide {
  /** The end has come, and everything before it was moved. */
  isDone = false;
  readonly name: SideName;
  readonly connection: SocketConnection;
  readonly from: StreamSocket;
  readonly #to: StreamSocket;
  readonly #owner: RelayOwner;
  readonly #before: number;
  #hasEnded: boolean;
  #isSplicing: boolean;
  #maySplice: boolean;
  #pipe: Pipe | undefined;
  #fullReads = 0;
  #smallMoves = 0;
  /** The other side could not take what is here. */
  #isBlocked = false;

  constructor(owner: RelayOwner, name: SideName, connection: SocketConnection, from: StreamSocket, to: StreamSocket) {
    this.name = name;
    this.connection = connection;
    this.from = from;
    this.#to = to;
    this.#owner = owner;
    this.#before = to.bytesWritten + to.queue.bytes;
    this.#hasEnded = connection.hasRemoteEnded;
    this.#isSplicing = owner.mode === 'always';
    this.#maySplice = owner.mode === 'auto';
  }

  get isRelayOpen(): boolean {
    return this.#owner.isOpen;
  }

  onReady(ready: number): void {
    this.#owner.onSideReady(this, ready);
  }

  onClosed(): void {
    this.#owner.onSideClosed(this);
  }

  /** How many bytes the kernel has taken, without those that were queued before the relay. */
  get bytes(): number {
    return Math.max(0, this.#to.bytesWritten - this.#before);
  }

  /** Something is to be done when the other side is writable. */
  get awaitsWritable(): boolean {
    return this.#isBlocked || this.#to.isForwarding;
  }

  move(): Moved {
    if (this.isDone) return 'done';
    let movedBytes = 0;
    for (let reads = 0; ; reads++) {
      // Nobody asks for the end of a send behind which nothing waits, so that nobody is told of it.
      const mayWait = reads > 0 && this.#to.isForwarding && !this.from.isReadable && !this.#hasEnded;
      const unsent = mayWait ? undefined : this.#sendWaiting();
      this.#isBlocked = unsent === 'waiting';
      if (unsent !== undefined) return unsent;
      if (this.#hasEnded) {
        this.isDone = true;
        this.release();
        return 'done';
      }
      if (!this.from.isReadable) {
        this.#noteSilence(movedBytes);
        return 'waiting';
      }
      if (reads === READS_IN_A_ROW) return 'more';
      const count = this.#isSplicing ? this.#splice() : this.#copy();
      if (count === BROKEN) return this.#to.error === undefined ? 'from_broken' : 'to_broken';
      if (count === 0) this.#hasEnded = true;
      else if (count > 0) movedBytes += count;
    }
  }

  passEndOn(): void {
    this.#to.shutdown();
  }

  /** Gives the pipe back; one with bytes in it is closed. */
  release(): void {
    if (this.#pipe !== undefined) this.#owner.context.pipes.giveBack(this.#pipe);
    this.#pipe = undefined;
  }

  /** @returns undefined when nothing waits any more */
  #sendWaiting(): 'waiting' | 'to_broken' | undefined {
    if (this.#to.isForwarding) {
      const isOver = this.#to.finishForwarding();
      if (isOver === BROKEN) return 'to_broken';
      if (!isOver) return 'waiting';
    }
    const isEmpty = this.#to.flush();
    if (isEmpty === BROKEN) return 'to_broken';
    if (!isEmpty) return 'waiting';
    while (this.#pipe !== undefined && this.#pipe.bytes > 0) {
      if (!this.#to.isWritable) return 'waiting';
      if (this.#to.sendFrom(this.#pipe) === BROKEN) return 'to_broken';
    }
    return undefined;
  }

  #copy(): number {
    const forwarded = this.from.forwardTo(this.#to);
    if (forwarded !== UNSUPPORTED) return forwarded;
    const { memory } = this.#owner.context;
    const count = this.from.receive(READ_BYTES);
    if (count <= 0) return count;
    // The receiver has put it elsewhere.
    if (this.from.received.buffer !== memory.incoming.buffer) return this.#to.write(this.from.received) ? count : BROKEN;
    const sent = this.#to.isWritable ? this.#to.send(memory.incomingAddress, count) : AGAIN;
    if (sent === BROKEN) return BROKEN;
    if (sent < count) this.#to.queue.push(memory.incoming.slice(Math.max(0, sent), count));
    this.#fullReads = count === READ_BYTES ? this.#fullReads + 1 : 0;
    if (this.#maySplice && this.#fullReads >= FULL_READS) this.#beginSplicing();
    return count;
  }

  #beginSplicing(): void {
    this.#fullReads = 0;
    this.#smallMoves = 0;
    this.#isSplicing = true;
    // What comes in bulk is read with calls already.
    for (const bytes of this.from.readByCalls()) this.#to.queue.push(bytes);
    this.#owner.context.core.counters.spliceSwitches += 1;
  }

  #splice(): number {
    if (this.from.isUrgent) return this.#copy();
    this.#pipe ??= this.#owner.context.pipes.take();
    const count = this.#pipe === undefined ? UNSUPPORTED : this.from.receiveInto(this.#pipe);
    // What looks like the end may be an urgent byte in front of it, which only reading passes.
    if (count !== UNSUPPORTED && count !== 0) return count;
    // Or no descriptors are left for a pipe, or the system does not splice; copying needs neither.
    this.release();
    this.#isSplicing = false;
    this.#maySplice = false;
    return this.#copy();
  }

  /** Nothing is there to read: others may have the pipe meanwhile, and small transfers are copied again. */
  #noteSilence(movedBytes: number): void {
    if (!this.#isSplicing) return;
    this.release();
    if (movedBytes >= SMALL_BYTES) this.#smallMoves = 0;
    else if (movedBytes > 0) this.#smallMoves += 1;
    if (this.#owner.mode === 'auto' && this.#smallMoves >= SMALL_MOVES) this.#isSplicing = false;
  }
}
