import { Errno, systemError } from '@lars/syscalls/errno';
import { MSG_DONTWAIT, MSG_PEEK } from '../linux/constants.ts';
import type { Pipe } from '../linux/pipe-pool.ts';
import type { RemoteAddress } from '../linux/socket-address.ts';
import { ALL_EDGES, CHANGE_EDGES, CONNECTING, Count, RECEIVED, RECEIVED_BYTES, type Receiver } from './readiness-set.ts';
import { AGAIN, BROKEN, type SocketContext, StreamSocket, UNSUPPORTED } from './stream-socket.ts';

const NO_BYTES = new Uint8Array(0);
const NOTHING: readonly Uint8Array[] = [];

/** A stream socket of an engine whose set is a receiver: that connects it, receives, and sends on to others. Calls read what comes in bulk. */
export class ReceivedSocket extends StreamSocket {
  /** Until calls do all. */
  #receiver: Receiver | undefined;
  readonly #set: Receiver;
  /** The receiver's buffer came full, so that there is more, which calls read in larger pieces. */
  #readsByCalls = false;
  /** It was watched before it was connected, and nothing is received yet. */
  #isReceiveDue = false;
  /** What the receiver has counted of it is in its own counts. */
  #isCounted = false;

  constructor(
    context: SocketContext,
    fd: number,
    isWrittenWhole: boolean,
    remote: RemoteAddress | undefined,
    receiver: Receiver,
  ) {
    super(context, fd, isWrittenWhole, remote);
    this.#set = receiver;
  }

  override get bytesRead(): number {
    return super.bytesRead + this.#countOf(Count.forwarded);
  }

  override get bytesWritten(): number {
    return super.bytesWritten + this.#countOf(Count.sent);
  }

  override get lastActiveMs(): number {
    return Math.max(super.lastActiveMs, this.#countOf(Count.lastMoveMs));
  }

  override get isForwarding(): boolean {
    return this.#set.isSending(this.fd);
  }

  override receive(limit?: number): number {
    const receiver = this.#receiver;
    if (receiver !== undefined && !this.#readsByCalls && !this.hasFailed) return this.#take(receiver);
    // Nobody tells of urgent bytes here, at which reading stops: only one that finds nothing shows that nothing is left.
    this.isUrgent = true;
    const read = super.receive(limit);
    if (receiver === undefined) return read;
    if (this.isReadable) return read;
    this.#readsByCalls = false;
    if (read > 0 || read === AGAIN) receiver.begin(this.fd);
    else receiver.watchBreaks(this.fd);
    return read;
  }

  /** What comes is the receiver's as soon as there is one. */
  override readArrived(): Uint8Array {
    return this.#receiver === undefined ? super.readArrived() : NO_BYTES;
  }

  override watchedEvents(isConnected: boolean): number {
    this.#receiver = this.#set;
    this.#isReceiveDue = !isConnected;
    if (this.connectsTo !== undefined) return CONNECTING;
    return isConnected ? RECEIVED : CHANGE_EDGES;
  }

  override beginConnecting(): void {
    if (this.connectsTo !== undefined) this.#set.connect(this.fd, this.connectsTo);
    this.connectsTo = undefined;
  }

  override beginReceiving(): void {
    if (!this.#isReceiveDue) return;
    this.#isReceiveDue = false;
    this.#receiver?.begin(this.fd);
  }

  override readByCalls(): readonly Uint8Array[] {
    if (this.#receiver === undefined) return NOTHING;
    const received = this.stopReceiving();
    this.isUrgent = false;
    this.context.hub.change(this.fd, ALL_EDGES);
    return received;
  }

  override leave(): void {
    super.leave();
    [this.readBytes, this.writtenBytes, this.activeMs] = [this.bytesRead, this.bytesWritten, this.lastActiveMs];
    this.#isCounted = true;
    this.#receiver = undefined;
  }

  override stopReceiving(): readonly Uint8Array[] {
    const receiver = this.#receiver;
    if (receiver === undefined) return NOTHING;
    receiver.stop(this.fd);
    this.#receiver = undefined;
    const count = receiver.take(this.fd) ?? 0;
    if (count < 0) this.#keepFailure(count);
    if (count <= 0) return NOTHING;
    this.noteRead(count, 'recv');
    this.#keepFailure(receiver.take(this.fd));
    return [receiver.bytesOf(this.fd).slice()];
  }

  /** Where nothing can be moved, though something is there that did not come just now, an urgent byte is in the way, which reading passes. */
  override receiveInto(pipe: Pipe): number {
    const count = super.receiveInto(pipe);
    if (count !== AGAIN) return count;
    if (!this.#hasBytes()) return this.hasFailed ? BROKEN : AGAIN;
    this.isReadable = true;
    const moved = super.receiveInto(pipe);
    if (moved === AGAIN) {
      this.isUrgent = true;
      this.isReadable = true;
    }
    return moved;
  }

  override forwardTo(to: StreamSocket): number {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#readsByCalls || this.hasFailed || !(to instanceof ReceivedSocket) || !to.isWritable) {
      return UNSUPPORTED;
    }
    const count = this.#count(receiver);
    if (count < 0) return count;
    if (count > 0) {
      to.leaveAtOnce(count);
      const goesOn = count < RECEIVED_BYTES && !to.isNoDelayDue;
      if (!receiver.forward(this.fd, to.fd, goesOn) && !to.write(receiver.bytesOf(this.fd))) return BROKEN;
    }
    this.#receiveNext(receiver, count);
    return count;
  }

  /** Most answers are small, and what is not ends it with the first piece. */
  override sendOnTo(to: StreamSocket): void {
    const receiver = this.#receiver;
    if (receiver === undefined || this.#readsByCalls || this.hasFailed || !(to instanceof ReceivedSocket)) return;
    if (to.isWritable && !to.isNoDelayDue && to.queue.bytes === 0) receiver.sendOn(this.fd, to.fd);
  }

  override finishForwarding(): boolean | typeof BROKEN {
    const count = this.#set.takeSent(this.fd);
    if (count === undefined) return false;
    const unsent = this.#set.takeUnsent(this.fd);
    if (count < 0 && count !== -Errno.EAGAIN && count !== -Errno.EINTR) {
      this.error ??= systemError('send', -count);
      return BROKEN;
    }
    if (unsent.length === 0) return true;
    this.queue.push(unsent);
    this.isWritable = false;
    this.watchWrites();
    return true;
  }

  protected override watchWrites(): void {
    this.#receiver?.watchChanges(this.fd);
  }

  protected override pendingError(): number {
    return this.#receiver?.failureOf(this.fd) ?? super.pendingError();
  }

  #countOf(count: number): number {
    return this.#isCounted ? 0 : this.#set.countOf(this.fd, count);
  }

  /** Looks without taking. A reset that has come since the last read is told to this look, and to nobody after it. */
  #hasBytes(): boolean {
    const { libc, memory } = this.context;
    const count = libc.recv(this.fd, memory.scratchAddress, 1, MSG_DONTWAIT | MSG_PEEK);
    if (count < 0 && this.noteRead(count, 'recv') === BROKEN) this.hasFailed = true;
    return count > 0;
  }

  #take(receiver: Receiver): number {
    const count = this.#count(receiver);
    if (count < 0) return count;
    this.received = receiver.bytesOf(this.fd);
    this.#receiveNext(receiver, count);
    return count;
  }

  /** How many bytes the receiver has. @returns as `receive` */
  #count(receiver: Receiver): number {
    const count = receiver.take(this.fd);
    this.isReadable = false;
    if (count === undefined) return AGAIN;
    if (count < 0) {
      this.error ??= systemError('recv', -count);
      return BROKEN;
    }
    if (count > 0) this.#keepFailure(receiver.take(this.fd));
    return this.noteRead(count, 'recv');
  }

  /** It is told by the next read: the kernel does not tell it again. @param result a negative error number, or undefined for none */
  #keepFailure(result: number | undefined): void {
    if (result === undefined) return;
    this.hasFailed = true;
    this.error ??= systemError('recv', -result);
  }

  #receiveNext(receiver: Receiver, count: number): void {
    if (this.hasFailed) this.isReadable = true;
    else if (count > 0 && count < RECEIVED_BYTES) receiver.begin(this.fd);
    else {
      // Nothing is received for now, so that nobody else would notice a reset.
      receiver.watchBreaks(this.fd);
      this.#readsByCalls = count > 0;
      this.isReadable = count > 0;
    }
  }
}
