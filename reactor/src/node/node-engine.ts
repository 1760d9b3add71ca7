import {
  createServer,
  type ListenOptions as NodeListenOptions,
  type ServerOpts,
  Socket,
  type SocketConstructorOpts,
} from 'node:net';
import {
  checkMs,
  checkRelayOptions,
  checkSocketOptions,
  connectTarget,
  DEFAULTS,
  type ListenPlace,
  listenPlace,
  writeLimitOf,
} from '../check-options.ts';
import { timeoutError } from '../close-reason.ts';
import {
  type AdoptOptions,
  type ConnectHandler,
  type Connection,
  type ConnectOptions,
  type Engine,
  EngineError,
  type EngineStats,
  type EngineTimer,
  type Listener,
  type ListenOptions,
  type Relay,
  type RelayOptions,
  type RelayResult,
  type SocketOptions,
} from '../engine.ts';
import type { EngineCore } from '../engine-core.ts';
import { PortableRelay } from '../portable-relay.ts';
import { TICK_MS, WheelTimer } from '../timer-wheel.ts';
import { NodeConnection } from './node-connection.ts';
import { NodeListener } from './node-listener.ts';

/** How long the wheel stands still where none of its timers is due. */
const QUIET_MS = 100;

/** The engine that runs everywhere: sockets of node:net. */
export class NodeEngine implements Engine {
  readonly kind = 'node';
  readonly reason: string;
  readonly #core: EngineCore;
  readonly #connections = new Set<NodeConnection>();
  readonly #listeners = new Set<NodeListener>();
  #ticking: NodeJS.Timeout | undefined;
  /** When the wheel turns next. */
  #tickMs = 0;

  constructor(core: EngineCore, reason: string) {
    this.#core = core;
    this.reason = reason;
  }

  async acceptDescriptors(): Promise<Listener> {
    throw new EngineError('UNSUPPORTED', 'node:net does not give descriptors away');
  }

  async listen(options: ListenOptions, onAccept: (connection: Connection) => void): Promise<Listener> {
    const place = listenPlace(options);
    this.#checkOpen();
    const backlog = options.backlog ?? DEFAULTS.backlog;
    const server = createServer({ ...streamOptions(options), pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ ...nodePlace(place), ...bindOptions(options), backlog }, () => {
        server.off('error', reject);
        server.on('error', error => this.#core.log.warn('cannot accept connections', { error: error.message }));
        resolve();
      });
    });
    const listener = new NodeListener(server, backlog, socket => {
      this.#core.counters.accepted += 1;
      const connection = this.#add(socket, typeof server.address() === 'string', options);
      this.#core.watch(() => onAccept(connection), connection);
    });
    this.#listeners.add(listener);
    return listener;
  }

  connect(options: ConnectOptions, handler: ConnectHandler): Connection {
    const target = connectTarget(options);
    this.#checkOpen();
    this.#core.counters.connectAttempts += 1;
    const { timeoutMs = DEFAULTS.connectTimeoutMs, localHost } = options;
    const socket = new Socket(streamOptions(options));
    if (target.kind === 'path') socket.connect({ path: target.path });
    else
      socket.connect({ host: target.host, port: target.port, ...(localHost === undefined ? {} : { localAddress: localHost }) });
    if (options.noDelay !== false) socket.setNoDelay(true);
    const connection = this.#add(socket, target.kind === 'path', options);
    const late = new WheelTimer(() => connection.close('connect_timeout', timeoutError('no connection', timeoutMs)));
    if (timeoutMs > 0) {
      this.#core.wheel.set(late, this.#core.readClock() + timeoutMs);
      this.#tick();
    }
    connection.start(handler);
    socket.once('connect', () => {
      this.#core.wheel.cancel(late);
      this.#core.counters.connected += 1;
      connection.connected();
      this.#core.watch(() => handler.onConnect(connection), connection);
    });
    socket.once('close', () => this.#core.wheel.cancel(late));
    return connection;
  }

  adopt(fd: number, options: AdoptOptions = {}): Connection {
    checkSocketOptions(options);
    this.#checkOpen();
    let socket: Socket;
    try {
      socket = new Socket({ ...streamOptions(options), fd, readable: true, writable: true });
    } catch (error) {
      throw new EngineError('BAD_OPTION', `descriptor ${fd} is no stream socket: ${(error as Error).message}`);
    }
    if (options.noDelay !== false && options.isAcceptedHere !== true) socket.setNoDelay(true);
    const { onGone } = options;
    if (onGone !== undefined) socket.once('close', () => this.#core.contain(() => onGone(socket.writableFinished)));
    return this.#add(socket, socket.remoteAddress === undefined, options);
  }

  relay(a: Connection, b: Connection, options: RelayOptions, onDone: (result: RelayResult) => void): Relay {
    checkRelayOptions(options);
    const isOurs = (one: Connection): one is NodeConnection => one instanceof NodeConnection && one.isOf(this.#core);
    if (!isOurs(a) || !isOurs(b) || a === b)
      throw new EngineError('BAD_OPTION', 'a relay is between two connections of one engine');
    if (!a.isConnected || !b.isConnected) throw new EngineError('BAD_OPTION', 'a connection is not connected yet');
    if (a.isEnded || b.isEnded) throw new EngineError('BAD_OPTION', 'a connection has been ended, and takes nothing any more');
    if (a.isRelayed || b.isRelayed) throw new EngineError('BAD_OPTION', 'a connection is in a relay already');
    a.isRelayed = true;
    b.isRelayed = true;
    const relay = new PortableRelay(this.#core, a, b, options, onDone);
    this.#tick();
    return relay;
  }

  after(ms: number, callback: () => void): EngineTimer {
    checkMs('ms', ms);
    const timer = this.#core.after(ms, callback);
    this.#tick();
    return timer;
  }

  stats(): EngineStats {
    return { ...this.#core.counters };
  }

  async close(): Promise<void> {
    this.#core.isClosed = true;
    for (const listener of this.#listeners) listener.abandon();
    for (const connection of this.#connections) connection.destroy();
    while (this.#connections.size > 0) await new Promise(resolve => setImmediate(resolve));
    clearTimeout(this.#ticking);
  }

  #add(socket: Socket, isUnix: boolean, options: SocketOptions): NodeConnection {
    const deps = {
      core: this.#core,
      writeLimitBytes: writeLimitOf(options),
      onGone: (gone: NodeConnection) => this.#connections.delete(gone),
      onTimer: () => this.#tick(),
    };
    const connection = new NodeConnection(deps, socket, isUnix);
    this.#connections.add(connection);
    return connection;
  }

  /** The wheel turns when its next timer is due, and once in a while until then. */
  #tick(): void {
    if (this.#core.isClosed) return;
    const nowMs = this.#core.readClock();
    const tickMs = nowMs + Math.max(TICK_MS, this.#core.wheel.quietMs(nowMs, QUIET_MS));
    if (this.#ticking !== undefined && this.#tickMs <= tickMs) return;
    clearTimeout(this.#ticking);
    this.#tickMs = tickMs;
    this.#ticking = setTimeout(() => {
      this.#ticking = undefined;
      this.#core.look();
      this.#core.advance();
      if (this.#core.wheel.size > 0) this.#tick();
    }, tickMs - nowMs);
  }

  #checkOpen(): void {
    if (this.#core.isClosed) throw new EngineError('ENGINE_CLOSED', 'the engine is closed');
  }
}

function streamOptions({ noDelay = true, keepAliveMs = 0, writeHighBytes = DEFAULTS.writeHighBytes }: SocketOptions) {
  return {
    allowHalfOpen: true,
    noDelay,
    keepAlive: keepAliveMs > 0,
    keepAliveInitialDelay: keepAliveMs,
    writableHighWaterMark: writeHighBytes,
    highWaterMark: writeHighBytes,
  } satisfies ServerOpts & SocketConstructorOpts & { readonly writableHighWaterMark: number };
}

function nodePlace(place: ListenPlace): NodeListenOptions & { readonly fd?: number } {
  if (place.kind === 'inet') return { host: place.host, port: place.port };
  return place.kind === 'path' ? { path: place.path } : { fd: place.fd };
}

function bindOptions({ reusePort = false, ipv6Only = false }: ListenOptions): NodeListenOptions {
  return { reusePort, ipv6Only };
}
