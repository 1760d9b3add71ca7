import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { StartupError } from '../../../../runtime/src/errors.ts';
import { type Health, type HealthServer, startHealthServer } from '../../../../runtime/src/http/health-server.ts';
import { createRegistry } from '../../../../runtime/src/http/metrics.ts';

const HEALTHY: Health = { service: 'agent', status: 'ok', pid: 1, uptimeSeconds: 5, version: '1.2.3', details: { modules: 7 } };

const started: HealthServer[] = [];
afterEach(async () => {
  for (const server of started.splice(0)) await server.close();
});

async function start(health: () => Health = () => HEALTHY, port = 0): Promise<string> {
  const registry = createRegistry('agent', '1.2.3');
  const server = await startHealthServer({
    ip: '127.0.0.1',
    port,
    confKey: '[http] port',
    health,
    registry: async () => registry,
  });
  started.push(server);
  return `http://127.0.0.1:${server.port}`;
}

describe('GET /healthz', () => {
  test.each([
    ['ok', 200],
    ['degraded', 200],
    ['failing', 503],
  ] as const)('of a service that is %s answers %i and says why', async (status, code) => {
    const response = await fetch(`${await start(() => ({ ...HEALTHY, status }))}/healthz?verbose=1`);
    expect([response.status, response.headers.get('content-type')]).toEqual([code, 'application/json']);
    expect(await response.json()).toEqual({ ...HEALTHY, status });
  });

  test('that cannot be told is a 500, and the next one is answered', async () => {
    let broken = true;
    const url = await start(() => {
      if (broken) throw new Error('a bug');
      return HEALTHY;
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(500);
    broken = false;
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

test('GET /metrics answers what prometheus reads', async () => {
  const response = await fetch(`${await start()}/metrics`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await response.text()).toContain('lars_build_info{service="agent",version="1.2.3"} 1');
});

describe('anything else', () => {
  test.each(['/', '/health', '/metrics/', '/healthz/x', '/../etc/passwd', '//healthz'])('GET %s is a 404', async path => {
    const response = await fetch(`${await start()}${path}`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('/healthz and /metrics');
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('%s is a 405', async method => {
    const response = await fetch(`${await start()}/healthz`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('HEAD is answered without a body', async () => {
    const response = await fetch(`${await start()}/healthz`, { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});

test('a port that is taken refuses the start, naming port and conf key', async () => {
  const taker = createServer();
  await new Promise<void>(resolve => taker.listen(0, '127.0.0.1', resolve));
  const { port } = taker.address() as { port: number };
  try {
    await expect(start(() => HEALTHY, port)).rejects.toThrow(StartupError);
    await expect(start(() => HEALTHY, port)).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `HTTP port 127.0.0.1:${port} ([http] port) is taken: another process listens there`,
    });
  } finally {
    taker.close();
  }
});

test('close ends connections that are kept alive, and the port is free again', async () => {
  const url = await start();
  await (await fetch(`${url}/healthz`)).text();
  await started.pop()?.close();
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  expect((await fetch(`${await start(() => HEALTHY, Number(new URL(url).port))}/healthz`)).status).toBe(200);
});

describe('stays reachable', () => {
  const sockets: Socket[] = [];
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  const open = async (url: string, count: number, bytes: string) => {
    const { hostname, port } = new URL(url);
    for (let i = 0; i < count; i++) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
      if (bytes !== '') socket.write(bytes);
    }
  };
  const answers = async (url: string) => {
    const healthz = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1_000) });
    return healthz.status;
  };

  test.each([
    ['say nothing', ''],
    ['stop in the middle of their headers', 'GET /healthz HTTP/1.1\r\nhost: x\r\nx-a'],
    ['stay open after an answer', 'GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['never read their answers', 'GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3)],
    ['announce a body that never comes', 'GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n'],
  ])('while two hundred connections %s', async (_, bytes) => {
    const url = await start();
    await open(url, 200, bytes);
    expect(await answers(url)).toBe(200);
    await open(url, 64, bytes);
    expect(await answers(url)).toBe(200);
  });

  test('close does not wait for a request that is not whole', async () => {
    const url = await start();
    await open(url, 1, 'GET /healthz HTTP/1.1\r\nhost:');
    const [socket] = sockets as [Socket];
    // Node would answer 408 after two seconds.
    const received: unknown[] = [];
    socket.on('data', chunk => received.push(chunk));
    // By now the server has accepted the connection.
    expect(await answers(url)).toBe(200);
    const ended = once(socket, 'close');
    await started.pop()?.close();
    await ended;
    expect(received).toEqual([]);
  });

  test('headers that are not whole within two seconds end their connection', async () => {
    const url = await start();
    await open(url, 1, 'GET /healthz HTTP/1.1\r\nhost:');
    const startMs = performance.now();
    // Node answers 408 first.
    sockets[0]?.resume();
    await once(sockets[0] as Socket, 'close');
    expect(performance.now() - startMs).toBeLessThan(4_000);
  });
});
