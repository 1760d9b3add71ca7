import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { formatStatus } from '../../../cli/src/output/status-table.ts';
import { askHealth, readHealth } from '../../../cli/src/system/ask-health.ts';

const health = {
  service: 'agent',
  status: 'ok',
  pid: 7,
  uptimeSeconds: 62,
  version: '0.1.0',
  details: { udp: '127.0.0.1:1,2,3', modules: 4, secretly: 'more', dnsserver: '127.0.0.1:7778 not connected' },
} as const;

describe('an answer to GET /healthz', () => {
  test('is read as the service gave it', () => {
    expect(readHealth(JSON.stringify(health))).toStrictEqual({ kind: 'health', health });
  });

  test.each([
    '',
    'ok',
    'null',
    '[]',
    '{}',
    '{"status":"ok"}',
    JSON.stringify({ ...health, status: 'fine' }),
    JSON.stringify({ ...health, details: null }),
  ])('is no LARS service when it is %s', text => {
    expect(readHealth(text)).toStrictEqual({ kind: 'down', why: 'what answers there is no LARS service' });
  });
});

describe('asking over HTTP', () => {
  const servers: Server[] = [];
  const listen = async (listener: RequestListener): Promise<number> => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  };
  const closeAll = async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    }
  };
  afterEach(closeAll);

  test('gives the health, also with status 503', async () => {
    const failing = { ...health, status: 'failing' };
    const port = await listen((request, response) =>
      response.writeHead(503).end(request.url === '/healthz' ? JSON.stringify(failing) : ''),
    );
    expect(await askHealth('127.0.0.1', port)).toStrictEqual({ kind: 'health', health: failing });
  });

  test('fails where no process listens', async () => {
    const port = await listen(() => undefined);
    await closeAll();
    expect(await askHealth('127.0.0.1', port)).toMatchObject({ kind: 'down', why: expect.stringContaining('ECONNREFUSED') });
  });

  test('fails where no answer comes', async () => {
    const port = await listen(() => undefined);
    expect(await askHealth('127.0.0.1', port, 50)).toStrictEqual({ kind: 'down', why: 'no answer within 50 ms' });
  });

  test('does not read without end', async () => {
    const port = await listen((_, response) => {
      const more = () => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });
    expect(await askHealth('127.0.0.1', port)).toStrictEqual({ kind: 'down', why: 'more than 65536 bytes' });
  });
});

describe('the table of lars status', () => {
  const plain = (_: string, text: string) => text;

  test('has a line for each service, with what matters of its details', () => {
    const asked = 'http://127.0.0.1:7780/healthz';
    const text = formatStatus(
      [
        { service: 'dnsserver', asked, status: 'down', why: 'connect ECONNREFUSED' },
        { service: 'agent', asked, status: 'ok', health },
      ],
      plain,
    );
    expect(text).toBe(`\
service    status  pid  uptime  version  where                          details
dnsserver  down    -    -       -        http://127.0.0.1:7780/healthz  connect ECONNREFUSED
agent      ok      7    1m 2s   0.1.0    UDP 127.0.0.1:1,2,3            modules=4 dnsserver=127.0.0.1:7778 not connected
`);
  });

  test('tells more of a service that is not ok', () => {
    const degraded = { ...health, status: 'degraded' } as const;
    expect(formatStatus([{ service: 'agent', asked: '', status: 'degraded', health: degraded }], plain)).toContain(
      'modules=4 dnsserver=127.0.0.1:7778 not connected',
    );
  });
});
