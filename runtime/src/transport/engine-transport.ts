import type { Engine } from '@lars/reactor';
import type { ByteConnection, ConnectionHandle } from './byte-connection.ts';
import { EngineConnection } from './engine-connection.ts';
import { BACKLOG, KEEP_ALIVE_MS, type ListenPlace, type PortListener, type TcpTransport } from './tcp-transport.ts';

/** Drain is told of every backlog, as whoever reads on after one must know. Whoever writes has a limit of its own, which a conf may set higher than the engine's. */
const SOCKET_OPTIONS = { keepAliveMs: KEEP_ALIVE_MS, writeHighBytes: 1, writeLimitBytes: 0 } as const;

/** Connections of the thread's engine. */
export class EngineTransport implements TcpTransport {
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;

  /** @param release the engine is not needed here any more */
  constructor(engine: Engine, release: () => Promise<void>) {
    this.#engine = engine;
    this.#release = release;
  }

  get engine(): Engine['kind'] {
    return this.#engine.kind;
  }

  get reason(): string {
    return this.#engine.reason;
  }

  async listen({ ip, port }: ListenPlace, onConnection: (connection: ByteConnection) => void): Promise<PortListener> {
    const options = { host: ip, port, backlog: BACKLOG, ...SOCKET_OPTIONS };
    const listener = await this.#engine.listen(options, connection => onConnection(new EngineConnection(connection)));
    return { port: listener.address.port, close: () => listener.close() };
  }

  adopt(handle: ConnectionHandle): ByteConnection {
    if (typeof handle !== 'number') throw new TypeError('an engine serves descriptors alone');
    return new EngineConnection(this.#engine.adopt(handle, { ...SOCKET_OPTIONS, isAcceptedHere: true }));
  }

  close(): Promise<void> {
    return this.#release();
  }
}
