/** Whoever opens connections to a service's HTTP port and says nothing does not keep others from asking how it is. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

test('/healthz and /metrics of each service answer beside a hundred connections that are idle or slow', async () => {
  const running = folder.start(['up', '--json']);
  const ready = await running.ready;
  for (const { httpPort } of [ready.agent, ready.dnsserver, ready.reporter]) {
    const sockets: Socket[] = [];
    for (let i = 0; i < 100; i++) {
      const socket = connect(httpPort, '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
      if (i % 2 === 0) socket.write('GET /healthz HTTP/1.1\r\nhost:');
    }
    for (const page of ['healthz', 'metrics']) {
      const response = await fetch(`http://127.0.0.1:${httpPort}/${page}`, { signal: AbortSignal.timeout(2_000) });
      expect(response.status).toBe(200);
      await response.text();
    }
    for (const socket of sockets) socket.destroy();
  }
  expect(await running.interrupt()).toMatchObject({ code: 0 });
});
