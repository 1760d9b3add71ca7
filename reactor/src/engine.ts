// pure
/**
 * What every engine does: TCP and UNIX sockets of one thread, without blocking it. An engine is epoll, io_uring or node:net underneath; test/contract
 * checks all of them against what stands here.
 *
 * Rules of every callback of this file:
 *
 * - Callbacks run in the engine's thread, and those that tell of the end of something (`onClose`, `onDone`) never inside of a call that the user
 *   makes: what one has begun to do with a connection can be finished.
 * - `onClose` comes exactly once for a connection that has a handler, and nothing comes after it.
 * - An exception, or a rejected promise that a handler returns, ends its own connection (`handler_error`), is logged and counted, and ends nothing else.
 * - On a closed connection `write` returns false, and the other methods do nothing.
 */

export const engineKinds = ['epoll', 'io_uring', 'node'] as const;
export type EngineKind = (typeof engineKinds)[number];

export interface Engine {
  readonly kind: EngineKind;
  /** Why it is this kind, in one line for people: 'node:net, because epoll does not run here: …'. */
  readonly reason: string;
  /**
   * Accepts connections. A new connection is not read from, and nothing is noticed of its remote, before `onAccept` or somebody later calls its
   * `start`, gives it to `relay`, or takes it away with `detach`; an acceptor that passes connections on reads nothing by mistake.
   * When the process has no descriptors left, accepting waits, says so once in a while, and goes on by itself; node:net closes what waits instead, and says nothing.
   * @throws {EngineError} BAD_OPTION
   * @throws {Error} with the system's `code`: EADDRINUSE, EADDRNOTAVAIL, EACCES, …
   */
  listen(options: ListenOptions, onAccept: (connection: Connection) => void): Promise<Listener>;
  /**
   * Accepts connections for somebody else: nothing is made of them but a descriptor, which is the caller's. Accepting waits as with `listen`.
   * @throws {EngineError} UNSUPPORTED by node:net; BAD_OPTION
   * @throws {Error} with the system's `code`: EADDRINUSE, EADDRNOTAVAIL, EACCES, …
   */
  acceptDescriptors(options: ListenOptions, acceptor: DescriptorAcceptor): Promise<Listener>;
  /**
   * Connects, and reads from then on. `handler.onConnect` or `handler.onClose` (`connect_failed`, `connect_timeout`) comes next, in no case within this
   * call. Bytes may be written before, and leave when it is connected.
   * @throws {EngineError} BAD_OPTION: names are not looked up here, a host is an IP address; ENGINE_CLOSED
   */
  connect(options: ConnectOptions, handler: ConnectHandler): Connection;
  /**
   * Takes over the descriptor of an open connection: from another thread, or received from another process. Like a new connection it waits for `start`,
   * `relay` or `detach`.
   * @throws {EngineError} BAD_OPTION when the descriptor is no stream socket
   */
  adopt(fd: number, options?: AdoptOptions): Connection;
  /**
   * Takes over two open connections and moves the bytes of each to the other, until both directions have ended or one is broken. What was given back with
   * `unread`, and what was written before, leaves first, in order. A half-close is passed on when all bytes before it are, and the other direction goes on; a
   * reset is passed on as a reset. Where one remote does not read, the other is not read from. Handlers of the two are called no more; at the end
   * both are closed, and `onDone` is called once. A connection that is closed already ends the relay as if it broke now.
   * @throws {EngineError} BAD_OPTION when they are one connection, of another engine, not yet connected, ended by this side, or in a relay already
   */
  relay(a: Connection, b: Connection, options: RelayOptions, onDone: (result: RelayResult) => void): Relay;
  /** Calls back once, up to 20 ms late; any number of timers cost one timer of the event loop. @param ms at least 0 */
  after(ms: number, callback: () => void): EngineTimer;
  /** What happened since the start, and what is. */
  stats(): EngineStats;
  /** Closes listeners, connections and relays, at once; queued bytes are lost. Resolves when their descriptors are closed. */
  close(): Promise<void>;
}

export interface SocketOptions {
  /** Small writes leave at once (TCP_NODELAY). Default: true. Has no meaning for UNIX sockets. */
  readonly noDelay?: boolean;
  /** From this many unsent bytes on `write` returns false. Default: 65,536. */
  readonly writeHighBytes?: number;
  /** Who writes on after a false, so that more than this would be unsent, loses the connection (`write_limit`); 0 = never. One write may have any size. Default: 67,108,864. */
  readonly writeLimitBytes?: number;
  /** The kernel asks a silent remote whether it is alive after this time; 0 = never, the default. */
  readonly keepAliveMs?: number;
}

/** Where to listen is `port` (with `host`), `path`, or `fd`. */
export interface AdoptOptions extends SocketOptions {
  /** An engine of this process has accepted it: it is not checked, and its socket stays as the listener's options have made it. Saves five system calls. */
  readonly isAcceptedHere?: boolean;
  /** Little is written, and the remote reads it: a write that the kernel does not take whole breaks the connection. Saves a wake-up each time that the remote has read. */
  readonly isWrittenWhole?: boolean;
  /** Another process has it open, too, so that closing it would tell the remote nothing: the end of this side is told by a call of its own. Default: false. */
  readonly isShared?: boolean;
  /** Called once, when the connection is closed or given away. @param wasEndTold of one that is shared: the remote knows that this side has ended, though others have it open */
  readonly onGone?: (wasEndTold: boolean) => void;
}

export interface ListenOptions extends SocketOptions {
  /** An IPv4 or IPv6 address. Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 = any free port. */
  readonly port?: number;
  /** A UNIX socket's path; the file goes when the listener closes, and a file that is there already (of a process that was killed) is EADDRINUSE. */
  readonly path?: string;
  /** A descriptor that listens already, received from another process or thread. */
  readonly fd?: number;
  /** How many connections may wait to be accepted; the system's limit is net.core.somaxconn. Default: 1,024. */
  readonly backlog?: number;
  /** Several sockets may listen on this port, in this process or others; the kernel spreads connections over them. */
  readonly reusePort?: boolean;
  /** A socket of '::' takes no IPv4. */
  readonly ipv6Only?: boolean;
}

/** Where to connect to is `host` and `port`, or `path`. */
export interface ConnectOptions extends SocketOptions {
  /** An IPv4 or IPv6 address. */
  readonly host?: string;
  readonly port?: number;
  /** A UNIX socket's path. */
  readonly path?: string;
  /** The address of this machine from which to connect. */
  readonly localHost?: string;
  /** 0 = as long as the system tries. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Bytes are written within `onConnect`: the acknowledgement that the remote has accepted travels with them, which saves a segment. Default: false. */
  readonly writesAtOnce?: boolean;
}

/** One end of a connection. Of a UNIX socket `host` is the path, '' if it has none, and the port is 0. */
export interface Address {
  readonly family: 'ipv4' | 'ipv6' | 'unix';
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  readonly address: Address;
  /** The listening descriptor, which is the engine's; for another process, that accepts from the same queue. Undefined with node:net. */
  readonly fd: number | undefined;
  readonly isPaused: boolean;
  /** Accepts nothing until `resume`; connections wait in the kernel's queue, as many as the backlog allows. */
  pause(): void;
  resume(): void;
  /** Accepts what the kernel's queue has, because closing would reset it, and closes. */
  close(): Promise<void>;
  /**
   * Gives the listening descriptor away, queue and all: to `listen({ fd })` elsewhere, which may be another process. This listener is closed then.
   * @throws {EngineError} UNSUPPORTED by node:net; NOT_OPEN
   */
  detach(): number;
}

/** Is told of connections that were accepted for somebody else. It must not throw. */
export interface DescriptorAcceptor {
  /** Non-blocking, and closed when a program is started. */
  onDescriptor(fd: number): void;
  /** Those are all that can be accepted at the moment. */
  onAccepted(): void;
}

export interface Connection {
  readonly isOpen: boolean;
  /** False from `connect` until `onConnect`. */
  readonly isConnected: boolean;
  /** The remote has ended its direction, and everything before was read. */
  readonly hasRemoteEnded: boolean;
  /** Undefined when the connection was closed before anybody asked. */
  readonly remoteAddress: Address | undefined;
  readonly localAddress: Address | undefined;
  /** How long the kernel has found that bytes take to the remote and back, ms; right after `onConnect`, how long the remote took to accept. Undefined where it does not say: of UNIX sockets, by node:net. */
  readonly roundTripMs: number | undefined;
  /** What was written and has not been taken by the kernel. */
  readonly unsentBytes: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Reads, and calls `handler` from now on. A second call replaces the handler; the new one is told of the end of the remote too. */
  start(handler: ConnectionHandler): void;
  /**
   * Sends, or queues a copy of what the kernel does not take. The caller may reuse `bytes` afterwards.
   * @returns whether fewer than `writeHighBytes` are unsent. After a false the handler's `onDrain` comes once, when nothing is unsent any more. False too, and nothing is
   * written, after `end` and when the connection is closed. Whoever writes on after a false keeps all of it in memory, up to `writeLimitBytes`.
   * @throws {TypeError} when it is given a string
   */
  write(bytes: Uint8Array): boolean;
  /**
   * What has come and nobody has read, without waiting and before `start`; at most 4 KiB, lent until the next read of any connection. Empty where nothing has come, and always by
   * node:net. An end or a reset is told by reading.
   */
  readArrived(): Uint8Array;
  /** Ends this direction when all queued bytes have left; what the remote sends is read on. */
  end(): void;
  /** Closes at once, and the remote is told with a reset (of TCP; UNIX sockets have none). Unsent bytes are lost. */
  reset(): void;
  /** Closes at once; unsent bytes are lost. */
  destroy(): void;
  /** Reads nothing until `resume`, so that the kernel's buffer fills and the remote has to wait. `onData` is not called any more, even inside of it. A reset is noticed (by node:net only when it reads again). */
  pause(): void;
  resume(): void;
  /** Gives bytes back that were read: the next reader gets a copy of them first. Several calls stack up: the last is the first to be read. */
  unread(bytes: Uint8Array): void;
  /** Closes the connection (`idle_timeout`) when for this time no byte was read or taken by the kernel, up to 20 ms late; 0 = never, the default. @throws {EngineError} BAD_OPTION */
  setIdleTimeout(ms: number): void;
  /**
   * Takes the connection out of the engine: from here on the descriptor is the caller's, who passes it to another thread's `adopt` or with SCM_RIGHTS to a process, or
   * closes it. The handler is called no more.
   * @throws {EngineError} UNSUPPORTED by node:net; NOT_OPEN when it is closed, not yet connected or in a relay; UNSENT while bytes wait
   */
  detach(): DetachedConnection;
}

export interface DetachedConnection {
  readonly fd: number;
  /** What was given back with `unread`, and must be passed on with the descriptor. */
  readonly unread: Uint8Array;
}

export interface ConnectionHandler {
  /** `bytes` are lent until the handler returns: the engine reads the next ones into the same place. */
  onData(connection: Connection, bytes: Uint8Array): unknown;
  /**
   * The remote has ended its direction, and everything before was read. Without this method the answer is `end()`. Of a UNIX socket that the remote has closed altogether `onClose` follows
   * by itself; by node:net not before something is written to it.
   */
  onEnd?(connection: Connection): unknown;
  /** After a `write` that returned false nothing is unsent any more. */
  onDrain?(connection: Connection): unknown;
  /** @param error what the system said, or what a handler threw */
  onClose?(connection: Connection, reason: CloseReason, error: Error | undefined): void;
}

export interface ConnectHandler extends ConnectionHandler {
  onConnect(connection: Connection): unknown;
}

export const closeReasons = {
  ended: 'both directions ended in order',
  reset: 'the remote reset it, or went away while bytes were on the way to it',
  destroyed: 'this side closed it with destroy() or reset(), or the engine was closed',
  connect_failed: 'it was refused, or there is no way to it',
  connect_timeout: 'there was no answer in time',
  idle_timeout: 'no byte moved for the time that was set',
  network_error: 'the network broke it',
  handler_error: 'its handler threw',
  write_limit: 'its handler wrote on, though more was unsent than writeLimitBytes',
} as const;
export type CloseReason = keyof typeof closeReasons;

export interface RelayOptions {
  /** Both are reset when no byte moved in either direction for this time; 0 = never, the default. */
  readonly idleTimeoutMs?: number;
  /** The same from the moment on when one direction has ended. Default: `idleTimeoutMs`. */
  readonly halfCloseTimeoutMs?: number;
  /** Whether bytes go through a pipe in the kernel: when several reads in a row came full (auto, the default), never, or always. node:net never does. */
  readonly splice?: 'auto' | 'never' | 'always';
}

export interface RelayCounts {
  readonly bytesAToB: number;
  readonly bytesBToA: number;
}

export interface Relay extends RelayCounts {
  readonly isOpen: boolean;
  /** Resets both connections; `onDone` gets `stopped`. */
  stop(): void;
}

export type RelayEnd = 'ended' | 'reset' | 'idle_timeout' | 'network_error' | 'stopped';

/** How a relay ended. Bytes are counted when the kernel has taken them for the other side. */
export interface RelayResult extends RelayCounts {
  readonly end: RelayEnd;
  /** Which of the two caused it (reset, network_error), or ended last. */
  readonly by: 'a' | 'b' | undefined;
  readonly error: Error | undefined;
}

export interface EngineTimer {
  cancel(): void;
}

export interface EngineStats {
  readonly accepted: number;
  /** Accepting had to wait because there were no descriptors, or no memory. */
  readonly acceptPauses: number;
  readonly connectAttempts: number;
  readonly connected: number;
  readonly connectFailures: number;
  readonly connectTimeouts: number;
  readonly idleTimeouts: number;
  readonly resetsReceived: number;
  readonly handlerErrors: number;
  /** Connections that were closed because their handlers wrote on without end. */
  readonly writeLimitCloses: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Of these, the bytes that went through the kernel alone. */
  readonly bytesSpliced: number;
  /** How often a direction changed from copying to splicing. */
  readonly spliceSwitches: number;
  /** What is: open connections (those of relays too), relays, pipes with those that wait for use. */
  readonly open: number;
  readonly relays: number;
  readonly pipes: number;
}

/** What an engine says; a logger of runtime fits. */
export interface EngineLog {
  info(event: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: string, fields?: Readonly<Record<string, unknown>>): void;
  error(event: string, fields?: Readonly<Record<string, unknown>>): void;
}

export type EngineErrorCode = 'BAD_OPTION' | 'UNSUPPORTED' | 'UNAVAILABLE' | 'NOT_OPEN' | 'UNSENT' | 'ENGINE_CLOSED';

/** A call that could not be made as it was; `code` says why, the message is one line. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
