import {
  checkMs,
  checkRelayOptions,
  checkSocketOptions,
  connectTarget,
  DEFAULTS,
  type Endpoint,
  listenPlace,
  writeLimitOf,
} from '../check-options.ts';
import {
  type AdoptOptions,
  type ConnectHandler,
  type Connection,
  type ConnectOptions,
  type DescriptorAcceptor,
  type Engine,
  EngineError,
  type EngineKind,
  type EngineStats,
  type EngineTimer,
  type Listener,
  type ListenOptions,
  type Relay,
  type RelayOptions,
  type RelayResult,
} from '../engine.ts';
import type { EngineCore } from '../engine-core.ts';
import type { Libc } from '../linux/libc.ts';
import { NativeMemory } from '../linux/memory.ts';
import { PipePool } from '../linux/pipe-pool.ts';
import type { RemoteAddress } from '../linux/socket-address.ts';
import { Sockets } from '../linux/sockets.ts';
import type { DescriptorWatcher, Passing } from '../passing.ts';
import type { ResourceLedger } from '../resource-ledger.ts';
import { SocketFile } from '../socket-file.ts';
import type { SocketConnectionDeps } from './connection-deps.ts';
import type { EpollSet } from './epoll-set.ts';
import { Hub } from './hub.ts';
import { ALL_EDGES, type ReadinessSet } from './readiness-set.ts';
import type { RingWaker } from './ring-waker.ts';
import { SocketConnection } from './socket-connection.ts';
import { SocketListener } from './socket-listener.ts';
import { SocketRelay } from './socket-relay.ts';
import type { SocketContext } from './stream-socket.ts';

/** The engine of Linux: the C library's calls through koffi, and epoll to know when. */
export class NativeEngine implements Engine {
  readonly kind: EngineKind;
  readonly reason: string;
  readonly #context: SocketContext;
  readonly #usualDeps: SocketConnectionDeps;
  /** By their descriptors, which are small numbers; those without one are closed at once. */
  readonly #connections: (SocketConnection | undefined)[] = [];
  readonly #listeners = new Set<SocketListener>();
  readonly #set: ReadinessSet;
  #watcher: DescriptorWatcher | undefined;
  #ledger: ResourceLedger | undefined;

  /**
   * @param openWaker where the set's own descriptor wakes nobody
   * @throws {Error} as Node's, with `code`, where the kernel gives no descriptor
   */
  constructor(core: EngineCore, libc: Libc, set: ReadinessSet, kind: EngineKind, reason: string, openWaker?: () => RingWaker) {
    const memory = new NativeMemory(libc);
    this.kind = kind;
    this.reason = reason;
    this.#set = set;
    this.#context = {
      core,
      libc,
      memory,
      hub: new Hub(core, libc, set, openWaker),
      sockets: new Sockets(libc, memory),
      pipes: new PipePool(libc, memory, core.counters),
    };
    const onGone = (fd: number, isGivenAway: boolean) => {
      this.#connections[fd] = undefined;
      if (isGivenAway) this.#watcher?.onGone(fd);
    };
    this.#usualDeps = {
      context: this.#context,
      writeHighBytes: DEFAULTS.writeHighBytes,
      writeLimitBytes: DEFAULTS.writeLimitBytes,
      isWrittenWhole: false,
      isShared: false,
      onGoneForUser: undefined,
      onGone,
    };
  }

  async listen(options: ListenOptions, onAccept: (connection: Connection) => void): Promise<Listener> {
    const { core, sockets } = this.#context;
    const deps = this.#depsFor(options);
    return this.#accept(options, fd => {
      const connection = this.#add(fd, true, deps, sockets.acceptedRemote());
      core.watch(() => onAccept(connection), connection);
    });
  }

  /** @param set this engine's */
  passing(set: EpollSet): Passing {
    const { hub, core } = this.#context;
    const deps = this.#depsFor({});
    return {
      inbox: set.descriptor,
      accept: (options, onAccept) => this.#accept(options, onAccept),
      receive: (isMine, serve) =>
        hub.receive((fd, tag, ready) => {
          if (!isMine(fd, tag)) return;
          const connection = this.#add(fd, true, deps);
          connection.watch(tag);
          core.watch(() => serve(connection, fd, tag), connection);
          connection.onReady(ready);
        }),
      pass: (fd, inbox, tag) => set.addTo(inbox, fd, ALL_EDGES, tag),
      takeBack: (fd, inbox) => set.removeFrom(inbox, fd),
      closeLeft: fd => void this.#context.libc.close(fd),
    };
  }

  /** Says there from now on what this engine has. To be called before it has any connection. */
  keepLedger(ledger: ResourceLedger): void {
    this.#ledger = ledger;
    ledger.noteMappings(this.#set.mappings);
    this.watchDescriptors(ledger);
  }

  acceptDescriptors(options: ListenOptions, acceptor: DescriptorAcceptor): Promise<Listener> {
    return this.#accept(
      options,
      fd => acceptor.onDescriptor(fd),
      () => acceptor.onAccepted(),
    );
  }

  /** @param onAccepted no more can be accepted at the moment */
  async #accept(
    options: ListenOptions,
    onAccept: (fd: number) => void,
    onAccepted: () => void = () => undefined,
  ): Promise<Listener> {
    const place = listenPlace(options);
    this.#checkOpen();
    const { core, sockets } = this.#context;
    if (place.kind === 'fd') {
      sockets.takeOver(place.fd, true);
      sockets.configure(place.fd, options);
    }
    const fd = place.kind === 'fd' ? place.fd : sockets.openListener(place, options);
    const accept = (accepted: number): void => {
      core.counters.accepted += 1;
      onAccept(accepted);
    };
    const file = place.kind === 'path' ? new SocketFile(place.path) : undefined;
    const onGone = (gone: SocketListener, isGivenAway: boolean) => {
      this.#listeners.delete(gone);
      if (isGivenAway) this.#watcher?.onGone(gone.fd);
    };
    const listener = new SocketListener({ context: this.#context, file, onAccept: accept, onAccepted, onGone }, fd);
    this.#listeners.add(listener);
    this.#watcher?.onOwned(fd);
    return listener;
  }

  connect(options: ConnectOptions, handler: ConnectHandler): Connection {
    const target = connectTarget(options);
    this.#checkOpen();
    this.#context.core.counters.connectAttempts += 1;
    const { timeoutMs = DEFAULTS.connectTimeoutMs, keepAliveMs = 0, noDelay = true } = options;
    const deps = this.#depsFor(options);
    const isInet = target.kind === 'inet';
    // A UNIX socket is connected within the call, or never.
    const connectsLater = isInet && this.#context.hub.receiver !== undefined;
    const opened = this.#openConnection(target, options, connectsLater);
    const connection = this.#add(typeof opened === 'number' ? opened : -1, false, deps);
    if (connection.socket !== undefined) {
      connection.socket.isNoDelayDue = noDelay && isInet;
      if (connectsLater) connection.socket.connectsTo = target;
    }
    connection.connecting(handler, { timeoutMs, keepAliveMs });
    if (typeof opened !== 'number') connection.close('connect_failed', opened);
    return connection;
  }

  adopt(fd: number, options: AdoptOptions = {}): Connection {
    checkSocketOptions(options);
    this.#checkOpen();
    if (options.isAcceptedHere !== true) {
      this.#context.sockets.takeOver(fd, false);
      this.#context.sockets.configure(fd, options);
    }
    return this.#add(fd, true, this.#depsFor(options));
  }

  relay(a: Connection, b: Connection, options: RelayOptions, onDone: (result: RelayResult) => void): Relay {
    checkRelayOptions(options);
    const isOurs = (one: Connection): one is SocketConnection => one instanceof SocketConnection && one.context === this.#context;
    if (!isOurs(a) || !isOurs(b) || a === b)
      throw new EngineError('BAD_OPTION', 'a relay is between two connections of one engine');
    if (!a.isConnected || !b.isConnected || a.socket === undefined || b.socket === undefined) {
      throw new EngineError('BAD_OPTION', 'a connection is not connected yet');
    }
    if (a.isEnded || b.isEnded) throw new EngineError('BAD_OPTION', 'a connection has been ended, and takes nothing any more');
    if (a.isRelayed || b.isRelayed) throw new EngineError('BAD_OPTION', 'a connection is in a relay already');
    return new SocketRelay(this.#context, [a, b], [a.socket, b.socket], options, onDone);
  }

  after(ms: number, callback: () => void): EngineTimer {
    checkMs('ms', ms);
    const timer = this.#context.core.after(ms, callback);
    this.#context.hub.wake();
    return timer;
  }

  stats(): EngineStats {
    return { ...this.#context.core.counters };
  }

  /** Callbacks of what ends come outside of the user's call, and before this resolves. */
  async close(): Promise<void> {
    const { core, hub, pipes } = this.#context;
    if (core.isClosed) return;
    core.isClosed = true;
    for (const listener of this.#listeners) listener.abandon();
    for (const connection of this.#connections) connection?.destroy();
    await new Promise(resolve => setImmediate(resolve));
    // What is closed may be somebody else's at once, who must not lose it if this thread dies now.
    this.#ledger?.clear();
    hub.close();
    pipes.close();
  }

  /** @returns a descriptor, or why there is none */
  #openConnection(target: Endpoint, options: ConnectOptions, connectsLater: boolean): number | Error {
    try {
      return this.#context.sockets.openConnection(target, options, connectsLater);
    } catch (error) {
      return error as Error;
    }
  }

  /** What connections with the same options have in common. */
  #depsFor(options: AdoptOptions): SocketConnectionDeps {
    const { writeHighBytes = DEFAULTS.writeHighBytes, isWrittenWhole = false, isShared = false, onGone: onGoneForUser } = options;
    const writeLimitBytes = writeLimitOf(options);
    const usual = this.#usualDeps;
    const isUsual =
      writeHighBytes === usual.writeHighBytes &&
      writeLimitBytes === usual.writeLimitBytes &&
      !(isWrittenWhole || isShared || onGoneForUser !== undefined);
    return isUsual ? usual : { ...usual, writeHighBytes, writeLimitBytes, isWrittenWhole, isShared, onGoneForUser };
  }

  #add(fd: number, isConnected: boolean, deps: SocketConnectionDeps, remote?: RemoteAddress): SocketConnection {
    const connection = new SocketConnection(deps, fd, isConnected, remote);
    if (fd >= 0) {
      this.#connections[fd] = connection;
      this.#watcher?.onOwned(fd);
    }
    return connection;
  }

  /** Says from now on which descriptors it has, whoever made them: for others who close them when its thread has died. To be called before it has any connection. */
  watchDescriptors(watcher: DescriptorWatcher): void {
    this.#watcher = watcher;
    this.#context.pipes.watcher = watcher;
    this.#context.sockets.watcher = watcher;
    this.#context.hub.watchDescriptors(watcher);
  }

  #checkOpen(): void {
    if (this.#context.core.isClosed) throw new EngineError('ENGINE_CLOSED', 'the engine is closed');
  }
}
