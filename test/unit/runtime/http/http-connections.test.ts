import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { HttpConnections } from '@lars/runtime/http/http-connections';
import { afterEach, expect, test, vi } from 'vitest';
import { eventually } from '../../../support/eventually.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

/** A server that answers each request, and clients that keep their connection. */
async function serve() {
  const server: Server = createServer((request, response) => {
    connections.onRequest(request.socket, response);
    response.end('fine');
  });
  const connections = new HttpConnections(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  cleanUps.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return () => {
    const socket: Socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', chunk => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    cleanUps.push(() => socket.destroy());
    const ask = async (times: number) => {
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      await eventually(`answer ${times}`, () => text.split('fine').length === times + 1);
      return text;
    };
    return { ask };
  };
}

test('a connection that has taken its answer in time may stay open', async () => {
  const newClient = await serve();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const client = newClient();
  await client.ask(1);
  await eventually('nobody is waited for', () => vi.getTimerCount() === 0);
  vi.advanceTimersByTime(60_000);
  await client.ask(2);
});

test('half as many as there may be are kept open after their answers', async () => {
  const newClient = await serve();
  const clients = Array.from({ length: 32 }, newClient);
  for (const times of [1, 2]) {
    for (const client of clients) expect(await client.ask(times)).not.toContain('onnection: close');
  }
  expect(await newClient().ask(1)).toContain('onnection: close');
});
