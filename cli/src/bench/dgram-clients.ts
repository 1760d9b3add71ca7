import { createSocket, type Socket } from 'node:dgram';
import { messageOf } from '@lars/runtime/errors';
import { CommandError } from '../errors.ts';
import {
  type DatagramClient,
  type DatagramClients,
  type DatagramReader,
  RECEIVE_BUFFER_BYTES,
  type ServerAddress,
} from './datagram-client.ts';

/** The generator's sockets on node:dgram, for every platform. */
export class DgramClients implements DatagramClients {
  readonly kind = 'dgram';
  readonly #sockets: Socket[] = [];

  async open({ ip, port }: ServerAddress, reader: DatagramReader): Promise<DatagramClient> {
    const socket = createSocket('udp4');
    this.#sockets.push(socket);
    await connect(socket, ip, port);
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    const client = new DgramClient(socket);
    socket.on('message', datagram => {
      reader.beforeBatch();
      reader.onDatagram(datagram, 0, datagram.length);
    });
    return client;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

async function connect(socket: Socket, ip: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, ip, resolve);
    });
  } catch (cause) {
    throw new CommandError('NO_SOCKET', `UDP ${ip}:${port}: ${messageOf(cause)}`, { cause });
  }
  socket.removeAllListeners('error');
  // That a server refused a datagram is seen as an answer that does not come.
  socket.on('error', () => undefined);
}

const MAX_DATAGRAM_BYTES = 2_048;

class DgramClient implements DatagramClient {
  readonly bytes = new Uint8Array(MAX_DATAGRAM_BYTES);
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  outgoingStart(): number {
    return 0;
  }

  /** The kernel may take the bytes later than this call. */
  commit(length: number): void {
    this.#socket.send(Buffer.from(this.bytes.subarray(0, length)), ignoreError);
  }

  flush(): void {
    // Every datagram has left by itself.
  }
}

function ignoreError(): void {
  // As above: an answer that does not come.
}
