import { type AddressInfo, createServer } from 'node:net';
import type { ByteConnection, ConnectionHandle } from './byte-connection.ts';
import { NetConnection } from './net-connection.ts';
import { BACKLOG, type ListenPlace, type PortListener, type TcpTransport } from './tcp-transport.ts';

/** Sockets of node:net: they run everywhere, and TLS stands on them alone. */
export class NetTransport implements TcpTransport {
  readonly engine = 'node';
  readonly reason: string;

  constructor(reason = 'node:net, as asked for') {
    this.reason = reason;
  }

  async listen(place: ListenPlace, onConnection: (connection: ByteConnection) => void): Promise<PortListener> {
    const { ip, port, pauseOnConnect, onError } = place;
    const server = createServer({ noDelay: true, pauseOnConnect }, socket => onConnection(new NetConnection(socket)));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: ip, port, backlog: BACKLOG }, () => {
        server.off('error', reject);
        server.on('error', onError);
        resolve();
      });
    });
    return {
      port: (server.address() as AddressInfo).port,
      close: () => new Promise(resolve => server.close(() => resolve())),
    };
  }

  adopt(handle: ConnectionHandle): ByteConnection {
    if (typeof handle === 'number') throw new TypeError('node:net serves no descriptors');
    return new NetConnection(handle);
  }

  async close(): Promise<void> {}
}
