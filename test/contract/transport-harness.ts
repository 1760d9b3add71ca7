import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseIpv4 } from '@lars/proto';
import { MemoryTransport } from '../../agent/src/udp/memory-transport.ts';
import type { DatagramTransport, OpenTransport, TransportOptions } from '../../agent/src/udp/transport.ts';
import { eventually } from '../support/eventually.ts';

/** How the contract suite opens one kind of transport, and how clients reach it. */
export interface TransportHarness {
  readonly name: string;
  /** It binds ports of this machine, and the kernel may refuse. */
  readonly hasPorts: boolean;
  open(options: TransportOptions): Promise<OpenedTransport>;
}

export interface OpenedTransport {
  readonly transport: DatagramTransport;
  /** @param ip where it sends from: 127.0.0.1 or another address of this machine */
  client(ip?: string): Promise<TransportClient>;
}

/** One that asks, and what came back to it. */
export interface TransportClient {
  readonly received: readonly Uint8Array[];
  send(datagram: Uint8Array): void;
  close(): void;
}

export async function received(client: TransportClient, count: number): Promise<readonly Uint8Array[]> {
  return eventually(`${count} answers`, () => client.received.length >= count && client.received);
}

const CLIENT_BUFFER_BYTES = 4 * 1_024 * 1_024;

/** A transport on real UDP sockets, over loopback. */
export function udpHarness(name: string, openTransport: OpenTransport): TransportHarness {
  return {
    name,
    hasPorts: true,
    open: async options => {
      const transport = await openTransport(options);
      return { transport, client: ip => udpClient(transport.port, ip) };
    },
  };
}

async function udpClient(port: number, ip = '127.0.0.1'): Promise<TransportClient> {
  const received: Uint8Array[] = [];
  // Sent before send returns: the resolver's thread pool would take its time even for a number.
  const socket = createSocket({ type: 'udp4', lookup: (address, _options, done) => done(null, address, 4) });
  socket.on('message', datagram => received.push(new Uint8Array(datagram)));
  const listening = once(socket, 'listening');
  socket.bind(0, ip);
  await listening;
  socket.setRecvBufferSize(CLIENT_BUFFER_BYTES);
  let closed = false;
  return {
    received,
    send: datagram => socket.send(datagram, port, '127.0.0.1'),
    close: () => {
      if (!closed) socket.close();
      closed = true;
    },
  };
}

/** The transport without a network: a client is a number. */
export function memoryHarness(): TransportHarness {
  return {
    name: 'memory',
    hasPorts: false,
    open: async options => {
      const inboxes: Uint8Array[][] = [];
      const transport = new MemoryTransport(options, (reply, to) => inboxes[(to as { client: number }).client]?.push(reply));
      const client = async (ip = '127.0.0.1'): Promise<TransportClient> => {
        const received: Uint8Array[] = [];
        const peer = { client: inboxes.push(received) - 1 };
        return {
          received,
          send: datagram => transport.deliver(datagram, peer, (parseIpv4(ip) as number) >>> 0),
          close: () => undefined,
        };
      };
      return { transport, client };
    },
  };
}
