import { reasonOf, writeLimitError } from '../close-reason.ts';
import {
  type CloseReason,
  type ConnectHandler,
  type Connection,
  type ConnectionHandler,
  type DetachedConnection,
  EngineError,
} from '../engine.ts';
import { asError } from '../engine-core.ts';
import type { RemoteAddress } from '../linux/socket-address.ts';
import { UnreadBytes } from '../unread-bytes.ts';
import { ConnectTimer, type ConnectTimerOptions } from './connect-timer.ts';
import type { RelaySide, SocketConnectionDeps } from './connection-deps.ts';
import type { Source, Task } from './hub.ts';
import { ALL_EDGES, Ready } from './readiness-set.ts';
import { SocketView } from './socket-view.ts';
import { BROKEN, type StreamSocket } from './stream-socket.ts';

/** How often one connection is read in a row before others have their turn. */
const READS_IN_A_ROW = 4;
const NOTHING: readonly Uint8Array[] = [];

/** A connection of an epoll engine, as its user sees it. */
export class SocketConnection extends SocketView implements Connection, Source, Task {
  isScheduled = false;
  override isOpen = true;
  isConnected: boolean;
  hasRemoteEnded = false;
  isEnded = false;
  readonly #deps: SocketConnectionDeps;
  #handler: ConnectionHandler | undefined;
  /** A relay that has taken the connection, and is told instead of the handler. */
  #relay: RelaySide | undefined;
  #isWatched = false;
  #isPaused = false;
  #isShutDown = false;
  /** The handler knows that the remote has ended. */
  #isEndTold = false;
  #wantsDrain = false;
  /** Made when it is needed: most connections never do. */
  #unread: UnreadBytes | undefined;
  /** Of a connection that this side has made. */
  #timer: ConnectTimer | undefined;

  /** @param remote where it is known already */
  constructor(deps: SocketConnectionDeps, fd: number, isConnected: boolean, remote?: RemoteAddress) {
    super(deps, fd, remote);
    this.#deps = deps;
    this.isConnected = isConnected;
    if (this.socket !== undefined) this.socket.isWritable = isConnected;
    deps.context.core.counters.open += 1;
  }

  get bytesRead(): number {
    return (this.socket?.bytesRead ?? 0) - (this.#unread?.bytes ?? 0);
  }

  get isRelayed(): boolean {
    return this.#relay !== undefined;
  }

  start(handler: ConnectionHandler): void {
    if (!this.isOpen || this.#relay !== undefined) return;
    this.#handler = handler;
    this.#isEndTold = false;
    // One that begins to be watched is told what is there already.
    if (this.#isWatched || this.#unread !== undefined) this.context.hub.schedule(this);
    this.watch();
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.socket;
    if (!this.isOpen || this.isEnded || socket === undefined || this.#relay !== undefined) return false;
    if (this.#wantsDrain && socket.queue.bytes + bytes.length > this.#deps.writeLimitBytes) {
      // An orderly end would tell the remote that it has everything.
      this.context.sockets.resetOnClose(socket.fd);
      socket.queue.clear();
      this.close('write_limit', writeLimitError(this.#deps.writeLimitBytes));
      return false;
    }
    if (socket.error !== undefined || !socket.write(bytes)) {
      this.#wantsDrain = true;
      this.#onBrokenWrite(socket);
      return false;
    }
    if (socket.queue.bytes > 0) this.watch();
    const mayGoOn = socket.queue.bytes < this.#deps.writeHighBytes;
    if (!mayGoOn) this.#wantsDrain = true;
    return mayGoOn;
  }

  end(): void {
    if (!this.isOpen || this.isEnded || this.#relay !== undefined) return;
    this.isEnded = true;
    this.context.hub.schedule(this);
  }

  reset(): void {
    if (this.isOpen && this.socket !== undefined) this.context.sockets.resetOnClose(this.socket.fd);
    this.close('destroyed');
  }

  destroy(): void {
    this.close('destroyed');
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.context.hub.schedule(this);
  }

  unread(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.#unread ??= new UnreadBytes();
    this.#unread.giveBack(bytes);
    this.context.hub.schedule(this);
  }

  setIdleTimeout(ms: number): void {
    if (this.isOpen) this.socket?.setIdleTimeout(ms, () => this.close('idle_timeout'));
  }

  detach(): DetachedConnection {
    if (!this.isOpen || !this.isConnected || this.#relay !== undefined || this.socket === undefined) {
      throw new EngineError('NOT_OPEN', 'the connection is closed, not yet connected or in a relay');
    }
    if (this.socket.queue.bytes > 0)
      throw new EngineError('UNSENT', `${this.socket.queue.bytes} bytes of the connection are unsent`);
    this.#timer?.setOptions();
    const unread = Buffer.concat([...(this.#unread?.takeAll() ?? []), ...this.socket.stopReceiving()]);
    this.#leave(true);
    if (this.#isWatched) this.context.hub.remove(this.socket.fd);
    this.context.core.counters.open -= 1;
    return { fd: this.socket.fd, unread };
  }

  /** Connects, and calls the handler then. */
  connecting(handler: ConnectHandler, options: ConnectTimerOptions): void {
    this.start(handler);
    if (this.isOpen) this.#timer = new ConnectTimer(this, handler, options);
  }

  /** From now on epoll tells of the connection. @param passed the generation with which it does already */
  watch(passed?: number): void {
    if (this.#isWatched || this.socket === undefined) return;
    this.#isWatched = true;
    try {
      const events = passed === undefined ? this.socket.watchedEvents(this.isConnected) : ALL_EDGES;
      this.context.hub.add(this.socket.fd, this, events, passed);
      this.socket.beginConnecting();
    } catch (error) {
      this.close(this.isConnected ? 'network_error' : 'connect_failed', asError(error));
    }
  }

  /**
   * Gives the connection to a relay: its handler is called no more, and the relay hears what epoll says.
   * @param to where its bytes go
   * @param splices bytes are moved with calls from the start
   * @returns what was given back, in order
   */
  giveTo(relay: RelaySide, to: StreamSocket, splices: boolean): readonly Uint8Array[] {
    this.#relay = relay;
    this.#handler = undefined;
    this.socket?.cancelIdleTimeout();
    this.watch();
    const ahead = (splices ? this.socket?.readByCalls() : undefined) ?? NOTHING;
    const given = this.#unread === undefined ? ahead : [...this.#unread.takeAll(), ...ahead];
    // What was given back goes first.
    if (!splices && given.length === 0) this.socket?.sendOnTo(to);
    this.socket?.beginReceiving();
    return given;
  }

  onReady(ready: number): void {
    const socket = this.socket;
    if (!this.isOpen || socket === undefined) return;
    socket.note(ready);
    if (!this.isConnected && !this.#finishConnecting(socket, ready)) return;
    if (this.#relay !== undefined) {
      this.#relay.onReady(ready);
      return;
    }
    if ((ready & (Ready.error | Ready.hangUp)) !== 0 && !this.#mayRead() && socket.error === undefined) {
      this.#noticeBreak(socket);
    }
    this.run();
  }

  /** Sends and reads what can be. */
  run(): void {
    const socket = this.socket;
    if (!this.isOpen || !this.isConnected || socket === undefined || this.#relay !== undefined) return;
    if (socket.queue.bytes > 0 || this.#wantsDrain || (this.isEnded && !this.#isShutDown)) this.#send(socket);
    // It was told to go on, and does not: nobody reads what the remote sent before it broke the connection.
    if (socket.error !== undefined && this.#isPaused) this.#closeBroken(socket);
    if (this.#mayRead()) this.#read(socket);
    socket.beginReceiving();
  }

  #mayRead(): boolean {
    return this.isOpen && !this.#isPaused && this.#handler !== undefined && !this.#isEndTold && this.#relay === undefined;
  }

  #read(socket: StreamSocket): void {
    for (let reads = 0; this.#mayRead(); reads++) {
      const given = this.#unread?.next();
      if (given !== undefined) {
        this.#deliver(given);
        continue;
      }
      if (this.hasRemoteEnded) this.#tellEnd();
      if (!socket.isReadable) return;
      if (reads === READS_IN_A_ROW) {
        this.context.hub.schedule(this);
        return;
      }
      const count = socket.receive();
      if (count > 0) this.#deliver(socket.received);
      else if (count === BROKEN) this.#closeBroken(socket);
      else if (count === 0) this.#onRemoteEnd(socket);
    }
  }

  #deliver(bytes: Uint8Array): void {
    try {
      this.context.core.watchResult(this.#handler?.onData(this, bytes), this);
    } catch (error) {
      this.failed(asError(error));
    }
  }

  #onRemoteEnd(socket: StreamSocket): void {
    this.hasRemoteEnded = socket.error === undefined;
    if (this.hasRemoteEnded) this.#tellEnd();
    else this.#closeBroken(socket);
  }

  #tellEnd(): void {
    this.#isEndTold = true;
    this.#call(handler => (handler.onEnd === undefined ? this.end() : handler.onEnd(this)));
    this.#closeIfEnded();
  }

  #send(socket: StreamSocket): void {
    const isEmpty = socket.flush();
    if (isEmpty === BROKEN) {
      this.#onBrokenWrite(socket);
      return;
    }
    if (!isEmpty) return;
    // Behind a broken write only who stopped reading is told to go on: who only writes would be told for ever.
    if (this.#wantsDrain && (socket.error === undefined || this.#isPaused)) {
      this.#wantsDrain = false;
      this.#call(handler => handler.onDrain?.(this));
    }
    if (!this.isEnded || this.#isShutDown || !this.isOpen || socket.queue.bytes > 0) return;
    this.#isShutDown = true;
    // Where the remote has ended, too, and all is read, closing says the same, unless others have it open.
    if (!this.hasRemoteEnded || this.#deps.isShared) socket.shutdown();
    this.#closeIfEnded();
  }

  #closeIfEnded(): void {
    if (!this.hasRemoteEnded) return;
    if (this.#isShutDown) this.close('ended');
    // A UNIX socket tells when its remote has closed it altogether: what is written then arrives nowhere.
    else if (this.socket?.isHungUp === true) this.close(this.unsentBytes > 0 ? 'reset' : 'ended');
  }

  /** What the remote sent before it broke the connection is still to be read, where somebody reads. */
  #onBrokenWrite(socket: StreamSocket): void {
    socket.queue.clear();
    if (this.#mayRead()) {
      socket.isReadable = true;
      socket.isEnding = true;
      this.context.hub.schedule(this);
    } else this.#closeBroken(socket);
  }

  /** An error that no read will tell of. */
  #noticeBreak(socket: StreamSocket): void {
    socket.error ??= socket.takeError();
    if (socket.error !== undefined) this.#closeBroken(socket);
    else this.#closeIfEnded();
  }

  #finishConnecting(socket: StreamSocket, ready: number): boolean {
    const isBroken = (ready & (Ready.error | Ready.hangUp)) !== 0;
    if (!isBroken && (ready & Ready.writable) === 0) return false;
    const error = isBroken ? socket.takeError('connect') : undefined;
    if (error === undefined) {
      this.isConnected = true;
      socket.isWritable = true;
      this.context.core.counters.connected += 1;
      this.context.core.watch(() => this.#timer?.onConnected(), this);
    } else this.close('connect_failed', error);
    return this.isOpen;
  }

  #call(callback: (handler: ConnectionHandler) => unknown): void {
    const handler = this.#handler;
    if (handler === undefined || !this.isOpen) return;
    this.context.core.watch(() => callback(handler), this);
  }

  /** What a handler threw ends this connection. */
  failed(error: Error): void {
    if (!this.isOpen) return;
    this.context.core.log.error('a handler threw, and its connection is closed', { error: error.stack ?? String(error) });
    this.close('handler_error', error);
  }

  #closeBroken(socket: StreamSocket): void {
    const error = socket.error ?? new Error('it broke');
    this.close(reasonOf(error, this.isConnected), error);
  }

  /** Closes at once, for a reason. */
  close(reason: CloseReason, error?: Error): void {
    if (!this.isOpen) return;
    const handler = this.#handler;
    const { core, hub } = this.context;
    this.#leave();
    core.countClose(reason);
    const relay = this.#relay;
    this.#relay = undefined;
    if (relay?.isRelayOpen === true) hub.tellLater(() => relay.onClosed());
    if (handler !== undefined) hub.tellLater(() => core.contain(() => handler.onClose?.(this, reason, error)));
    if (this.socket !== undefined) hub.closeLater(this.socket.fd);
  }

  #leave(isGivenAway = false): void {
    this.isOpen = false;
    this.socket?.leave();
    this.#timer = this.#timer?.cancel();
    this.#handler = undefined;
    this.#unread = undefined;
    if (this.socket !== undefined) this.#deps.onGone(this.socket.fd, isGivenAway);
    const { onGoneForUser } = this.#deps;
    const wasEndTold = this.#isShutDown;
    if (onGoneForUser !== undefined) this.context.hub.tellLater(() => this.context.core.contain(() => onGoneForUser(wasEndTold)));
  }
}
