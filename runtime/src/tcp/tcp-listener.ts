import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { listenError, messageOf } from '../errors.ts';
import { exposureWarning } from '../exposure.ts';
import type { Logger } from '../log.ts';

export interface TcpListenerDeps {
  readonly ip: string;
  readonly port: number;
  /** The conf key of the port, named when it is taken. */
  readonly confKey: string;
  /** Reads nothing of a new socket: only a socket that was not read from can be transferred to another thread. */
  readonly pauseOnConnect?: boolean;
  /** Whoever connects must show a certificate, or prove a token. */
  readonly isSecured?: boolean;
  readonly log: Logger;
}

/** A TCP port on which connections are accepted and passed on. */
export class TcpListener {
  readonly #options: TcpListenerDeps;
  readonly #server: Server;
  #port = 0;

  constructor(options: TcpListenerDeps, onSocket: (socket: Socket) => void) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, pauseOnConnect: options.pauseOnConnect ?? false }, onSocket);
  }

  /** @throws {StartupError} when the port cannot be opened */
  async listen(): Promise<void> {
    const { ip, port, confKey } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const onError = (error: Error) => reject(listenError(error, 'TCP port', ip, port, confKey));
      this.#server.once('error', onError);
      this.#server.listen({ host: ip, port, backlog: 1_024 }, () => {
        this.#server.off('error', onError);
        this.#server.on('error', error =>
          this.#options.log.error('the TCP server reports an error', { error: messageOf(error) }),
        );
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
    const warning =
      this.#options.isSecured === true ? undefined : exposureWarning(ip, '[tcp] ip', '[security] tls_folder or token_file');
    if (warning !== undefined) this.#options.log.warn(warning, { port: this.#port });
  }

  /** 0 before the listener listens; the port stays known when it is closed. */
  get port(): number {
    return this.#port;
  }

  /** Accepts no more connections; resolves when the sockets that were accepted in this thread are closed too. */
  close(): Promise<void> {
    return new Promise(resolve => this.#server.close(() => resolve()));
  }
}
