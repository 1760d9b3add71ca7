/** Ports for a process that is started again at the same ones: with a port of 0 it would get others. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

const IP = '127.0.0.1';
/** Below the ports that the kernel gives to the sockets of clients, or one of those could take a server's port while that is dead. */
const PORTS = { from: 12_000, to: 32_000 } as const;

/** The first of three UDP ports that follow one another and are free. */
export async function freeUdpPorts(): Promise<number> {
  for (;;) {
    const first = anyPort();
    const free = await Promise.all([first, first + 1, first + 2].map(isFreeUdpPort));
    if (free.every(Boolean)) return first;
  }
}

export async function freeTcpPort(): Promise<number> {
  for (;;) {
    const port = anyPort();
    const server = createServer();
    const isFree = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false)).listen(port, IP, () => resolve(true));
    });
    await new Promise(resolve => server.close(resolve));
    if (isFree) return port;
  }
}

async function isFreeUdpPort(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  const outcome = Promise.race([once(socket, 'listening').then(() => true), once(socket, 'error').then(() => false)]);
  socket.bind({ port, address: IP, exclusive: true });
  const isListening = await outcome.catch(() => false);
  socket.close();
  return isListening;
}

function anyPort(): number {
  return PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
}
