import { listenError, messageOf } from '../errors.ts';
import { exposureWarning } from '../exposure.ts';
import type { Logger } from '../log.ts';
import type { ByteConnection } from '../transport/byte-connection.ts';
import { NetTransport } from '../transport/net-transport.ts';
import type { PortListener, TcpTransport } from '../transport/tcp-transport.ts';

export interface TcpListenerDeps {
  readonly ip: string;
  readonly port: number;
  /** The conf key of the port, named when it is taken. */
  readonly confKey: string;
  /** Default: node:net. */
  readonly transport?: TcpTransport;
  /** Reads nothing of a new connection: only one that was not read from can be handed over to another thread. */
  readonly pauseOnConnect?: boolean;
  /** Whoever connects must show a certificate, or prove a token. */
  readonly isSecured?: boolean;
  readonly log: Logger;
}

/** A TCP port on which connections are accepted and passed on. */
export class TcpListener {
  readonly #options: TcpListenerDeps;
  readonly #onConnection: (connection: ByteConnection) => void;
  #listener: PortListener | undefined;

  constructor(options: TcpListenerDeps, onConnection: (connection: ByteConnection) => void) {
    this.#options = options;
    this.#onConnection = onConnection;
  }

  /** @throws {StartupError} when the port cannot be opened */
  async listen(): Promise<void> {
    const { ip, port, confKey, transport = new NetTransport(), pauseOnConnect = false, isSecured, log } = this.#options;
    const onError = (error: Error) => log.error('the TCP server reports an error', { error: messageOf(error) });
    try {
      this.#listener = await transport.listen({ ip, port, pauseOnConnect, onError }, this.#onConnection);
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, 'TCP port', ip, port, confKey);
    }
    const warning = isSecured === true ? undefined : exposureWarning(ip, '[tcp] ip', '[security] tls_folder or token_file');
    if (warning !== undefined) log.warn(warning, { port: this.port });
  }

  /** 0 before the listener listens; the port stays known when it is closed. */
  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Accepts no more connections; on node:net it resolves when the sockets that were accepted in this thread are closed too. */
  async close(): Promise<void> {
    await this.#listener?.close();
  }
}
