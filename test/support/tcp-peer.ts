/** The other end of a TCP connection: writes what it is told, whole frames or pieces of them, and collects what comes. */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { FrameDecoder } from '@lars/proto';
import { eventually } from './eventually.ts';

export interface ReceivedFrame {
  readonly id: number;
  readonly body: Uint8Array;
}

export class TcpPeer {
  readonly socket: Socket;
  readonly frames: ReceivedFrame[] = [];
  closed = false;
  readonly #decoder = new FrameDecoder();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Uint8Array) =>
      this.#decoder.push(chunk, (id, body) => this.frames.push({ id, body: new Uint8Array(body) })),
    );
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async connect(port: number): Promise<TcpPeer> {
    const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new TcpPeer(socket);
  }

  write(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  async frame(index: number): Promise<ReceivedFrame> {
    return eventually(`frame ${index}`, () => this.frames[index]);
  }

  async whenClosed(): Promise<void> {
    await eventually('the connection is closed', () => this.closed);
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** A frame whose body is these bytes, whatever they mean. */
export function rawFrame(id: number, body: Uint8Array | readonly number[] = [], bodyBytes = body.length): Uint8Array {
  const frame = Buffer.alloc(8 + body.length);
  frame.writeInt32LE(id, 0);
  frame.writeInt32LE(bodyBytes, 4);
  frame.set(body, 8);
  return new Uint8Array(frame);
}
