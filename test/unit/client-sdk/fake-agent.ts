import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  type BatchReportRequest,
  decodeBody,
  decodeDatagram,
  encodeFrame,
  type GetHostRequest,
  type GetHostResponse,
  type GetRouteRequest,
  type GetRouteResponse,
  type HostInfo,
  MessageId,
  type ReportRequest,
} from '@lars/proto';

export type Reply = (datagram: Uint8Array) => void;

/** An agent for edge cases: three UDP sockets that speak the real codec and answer what a test wants. It decides nothing. */
export class FakeAgent {
  readonly hostRequests: (GetHostRequest & { shard: number; fromPort: number })[] = [];
  readonly routeRequests: (GetRouteRequest & { shard: number })[] = [];
  readonly reports: (ReportRequest & { shard: number })[] = [];
  readonly batches: (BatchReportRequest & { shard: number })[] = [];
  /** The ids of all datagrams, in the order in which they came. */
  readonly ids: number[] = [];
  onHost: (request: GetHostRequest, reply: Reply) => void = (request, reply) => reply(hostAnswer(request));
  onRoute: (request: GetRouteRequest, reply: Reply) => void = (request, reply) => reply(routeAnswer(request));
  readonly #sockets: readonly Socket[];
  readonly #waiters = new Set<() => void>();

  static async start(ports: readonly number[] = [0, 0, 0], address = '127.0.0.1'): Promise<FakeAgent> {
    const sockets = ports.map(() => createSocket(address.includes(':') ? 'udp6' : 'udp4'));
    await Promise.all(sockets.map((socket, shard) => once(socket.bind(ports[shard], address), 'listening')));
    return new FakeAgent(sockets);
  }

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
    for (const [shard, socket] of sockets.entries()) socket.on('message', (bytes, from) => this.#replaceCopy(shard, bytes, from));
  }

  get ports(): number[] {
    return this.#sockets.map(socket => socket.address().port);
  }

  /** Resolves when the condition holds after some datagram. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise(resolve => {
      const check = () => {
        if (!condition()) return;
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sockets.map(socket => new Promise<void>(resolve => socket.close(() => resolve()))));
  }

  #replaceCopy(shard: number, bytes: Uint8Array, from: RemoteInfo): void {
    const { id, body } = decodeDatagram(bytes);
    this.ids.push(id);
    const reply: Reply = datagram => this.#sockets[shard]?.send(datagram, from.port, from.address);
    if (id === MessageId.GetHostRequest) {
      const request = decodeBody(id, body);
      this.hostRequests.push({ ...request, shard, fromPort: from.port });
      this.onHost(request, reply);
    } else if (id === MessageId.ApiGetRouteRequest) {
      const request = decodeBody(id, body);
      this.routeRequests.push({ ...request, shard });
      this.onRoute(request, reply);
    } else if (id === MessageId.ReportRequest) {
      this.reports.push({ ...decodeBody(id, body), shard });
    } else if (id === MessageId.BatchReportRequest) {
      this.batches.push({ ...decodeBody(id, body), shard });
    }
    for (const check of this.#waiters) check();
  }
}

/** 10.0.0.5:80 */
export const HOST: HostInfo = { ip: 0x0a000005, port: 80, weight: 0, addr: '', zone: '', drain: false };

export function hostAnswer(request: GetHostRequest, differences: Partial<GetHostResponse> = {}): Uint8Array {
  const { seq, modid, cmdid } = request;
  return encodeFrame(MessageId.GetHostResponse, { seq, modid, cmdid, retcode: 0, host: HOST, ...differences });
}

export function routeAnswer(request: GetRouteRequest, differences: Partial<GetRouteResponse> = {}): Uint8Array {
  const { modid, cmdid } = request;
  const answer = { modid, cmdid, host: [HOST], version: 7, overload: false, notModified: false };
  return encodeFrame(MessageId.ApiGetRouteResponse, { ...answer, ...differences });
}

/**
 * Three ports on which datagrams are refused, and which no other process gets meanwhile: a connected socket is bound there, and the
 * kernel refuses datagrams that come from another address than the one it is connected to.
 */
export async function refusingPorts(): Promise<{ ports: number[] } & AsyncDisposable> {
  const sockets = [0, 1, 2].map(() => createSocket('udp4'));
  for (const socket of sockets) {
    await once(socket.bind(0, '127.0.0.1'), 'listening');
    socket.connect(9, '127.0.0.1');
    await once(socket, 'connect');
  }
  return {
    ports: sockets.map(socket => socket.address().port),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(sockets.map(socket => new Promise<void>(resolve => socket.close(() => resolve()))));
    },
  };
}
