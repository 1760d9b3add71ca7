/** The agent's end of a connection to dnsserver. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  decodeBody,
  encodeFrame,
  FrameDecoder,
  formatHost,
  formatModule,
  type GetRouteRequest,
  type GetRouteResponse,
  MessageId,
} from '@lars/proto';
import { onTestFinished } from 'vitest';

export class AgentConnection {
  readonly socket: Socket;
  /** Resolves when dnsserver has closed the connection. */
  readonly closed: Promise<void>;
  readonly #received: GetRouteResponse[] = [];
  #arrived = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.socket = socket;
    const decoder = new FrameDecoder();
    socket.on('data', chunk => decoder.push(chunk as Uint8Array, (id, body) => this.#onFrame(id, body)));
    socket.on('error', () => undefined);
    this.closed = new Promise(resolve => socket.once('close', () => resolve()));
  }

  ask(modid: number, cmdid: number, details: Partial<GetRouteRequest> = {}): void {
    this.socket.write(requestFrame(modid, cmdid, details));
  }

  /** The next answer or push. */
  async next(): Promise<GetRouteResponse> {
    for (;;) {
      const response = this.#received.shift();
      if (response !== undefined) return response;
      await this.#arrived.promise;
    }
  }

  /** The next one as '1/2 10.0.0.1:80 10.0.0.2:80'. */
  async nextText(): Promise<string> {
    return describeResponse(await this.next());
  }

  async answer(modid: number, cmdid: number, details: Partial<GetRouteRequest> = {}): Promise<GetRouteResponse> {
    this.ask(modid, cmdid, details);
    return this.next();
  }

  #onFrame(id: number, body: Uint8Array): void {
    if (id !== MessageId.GetRouteResponse) throw new Error(`dnsserver sent message ${id}`);
    this.#received.push(decodeBody(MessageId.GetRouteResponse, body));
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers<void>();
  }
}

export async function connectAgent(port: number): Promise<AgentConnection> {
  const socket = connect({ host: '127.0.0.1', port });
  const connection = new AgentConnection(socket);
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, 'connect');
  return connection;
}

export function requestFrame(modid: number, cmdid: number, details: Partial<GetRouteRequest> = {}): Uint8Array {
  return encodeFrame(MessageId.GetRouteRequest, { modid, cmdid, version: 0, features: 0, ...details });
}

export function describeResponse({ modid, cmdid, host }: GetRouteResponse): string {
  return [formatModule(modid, cmdid), ...host.map(formatHost)].join(' ');
}
