import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientRequest, get, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { createServer as createSecureServer, get as getSecurely } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { LarsHttpAgent, type LarsHttpAgentOptions, LarsHttpsAgent } from '@lars/client-sdk/http';
import { createTestAgent, type TestAgent } from '@lars/client-sdk/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LarsClient, LarsError } from '../../../client-sdk/src/index.ts';
import { eventually } from '../../support/eventually.ts';
import { HAS_OPENSSL, TestCertificates } from '../../support/test-certificates.ts';
import { FakeAgent, HOST, hostAnswer } from './fake-agent.ts';
import { destroy, httpServers, reported } from './http-servers.ts';

const { ends, serve, refused } = httpServers();
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function world(hosts: readonly string[], options: LarsHttpAgentOptions = {}): { lars: TestAgent; agent: LarsHttpAgent } {
  const lars = createTestAgent({ routes: { '1/2': hosts } });
  const agent = new LarsHttpAgent(lars, options);
  ends.push(async () => agent.destroy());
  return { lars, agent };
}

const URL_OF_MODULE = 'http://1-2.lars/path?a=b';

/** As a caller does it: a promise of the response. */
async function send(options: RequestOptions, body?: string): Promise<{ status: number | undefined; body: string }> {
  const outgoing = request(URL_OF_MODULE, options);
  outgoing.end(body);
  return answerOf(outgoing);
}

async function answerOf(outgoing: ClientRequest): Promise<{ status: number | undefined; body: string }> {
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: await text(response) };
}

describe('an agent of node:http by LARS', () => {
  test('picks hosts in turn, keeps their connections, and reports how long their headers took', async () => {
    const [one, other] = [await serve(), await serve()];
    const { lars, agent } = world([one.authority, other.authority]);
    for (let i = 0; i < 4; i++) expect(await send({ agent })).toEqual({ status: 200, body: 'fine' });
    for (const server of [one, other]) {
      expect([server.requests, server.connections()]).toEqual([Array(2).fill('GET /path?a=b '), 1]);
    }
    expect(reported(lars)).toEqual([one, other, one, other].map(({ authority }) => `${authority} true`));
    expect(lars.reports.every(({ tcostMs = -1 }) => tcostMs >= 0)).toBe(true);
  });

  test('has many requests at once, and reports each one', async () => {
    const servers = [await serve(), await serve()];
    const { lars, agent } = world(
      servers.map(({ authority }) => authority),
      { agentOptions: { maxSockets: 2 } },
    );
    const answers = await Promise.all(Array.from({ length: 30 }, () => send({ agent, method: 'POST' }, 'hello')));
    expect(answers.every(({ body }) => body === 'fine')).toBe(true);
    expect([lars.reports.length, servers.map(({ requests }) => requests.length)]).toEqual([30, [15, 15]]);
  });

  test('tells a real agent', async () => {
    const server = await serve();
    await using larsAgent = await FakeAgent.start();
    const host = { ...HOST, ip: 0x7f000001, port: Number(server.authority.split(':')[1]) };
    larsAgent.onHost = (query, reply) => reply(hostAnswer(query, { host }));
    await using lars = new LarsClient({ ports: larsAgent.ports, timeoutMs: 10_000 });
    const agent = new LarsHttpAgent(lars);
    ends.push(async () => agent.destroy());
    expect((await send({ agent })).body).toBe('fine');
    await larsAgent.until(() => larsAgent.reports.length === 1);
    expect(larsAgent.reports).toMatchObject([{ modid: 1, cmdid: 2, host: { ip: host.ip, port: host.port }, retcode: 0 }]);
  });

  test('tells the host the name of the module, or what the caller says', async () => {
    const server = await serve((incoming, response) => void response.end(incoming.headers.host));
    const { agent } = world([server.authority]);
    expect((await send({ agent })).body).toBe('1-2.lars');
    expect((await send({ agent, headers: { host: 'users.example' } })).body).toBe('users.example');
  });

  test('sends any request to another host where none listens, before it has heard of that', async () => {
    const [gone, server] = [await refused(), await serve()];
    const { lars, agent } = world([gone, server.authority]);
    expect((await send({ agent, method: 'POST' }, 'hello')).body).toBe('fine');
    expect(server.requests).toEqual(['POST /path?a=b hello']);
    expect(reported(lars)).toEqual([`${gone} false`, `${server.authority} true`]);
  });

  test('tries so many hosts at most, each one once, and gives the last error', async () => {
    const gone = await Promise.all([refused(), refused(), refused()]);
    const few = world(gone, { maxTries: 2 });
    await expect(send({ agent: few.agent })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(few.lars.reports).toHaveLength(2);
    const all = world(gone.slice(1), { maxTries: 5 });
    await expect(send({ agent: all.agent })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(reported(all.lars)).toEqual(gone.slice(1).map(host => `${host} false`));
    expect(all.agent.sockets).toEqual({});
  });

  test.each(['GET', 'POST'])('does not send a %s twice after a reset, which it reports', async method => {
    const [bad, server] = [await serve(destroy), await serve()];
    const { lars, agent } = world([bad.authority, server.authority]);
    await expect(send({ agent, method })).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect([server.requests, reported(lars)]).toEqual([[], [`${bad.authority} false`]]);
  });

  test('reports a host whose answer is no HTTP', async () => {
    const server = createTcpServer(socket => socket.resume().end('nonsense\r\n\r\n'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    ends.push(() => new Promise(resolve => server.close(resolve)));
    const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { lars, agent } = world([host]);
    await expect(send({ agent })).rejects.toMatchObject({ code: 'HPE_INVALID_CONSTANT' });
    expect(reported(lars)).toEqual([`${host} false`]);
  });

  test.each<[number, LarsHttpAgentOptions, boolean]>([
    [499, {}, true],
    [500, {}, false],
    [503, { isFailure: status => status === 404 }, true],
    [404, { isFailure: status => status === 404 }, false],
  ])('gives a response with status %i, and reports it (%#)', async (status, options, ok) => {
    const server = await serve((_, response) => void response.writeHead(status).end());
    const { lars, agent } = world([server.authority], options);
    expect((await send({ agent })).status).toBe(status);
    expect(reported(lars)).toEqual([`${server.authority} ${ok}`]);
  });

  test('finds out hosts that hang, by its own timeout', async () => {
    const hung = await serve(() => undefined);
    const { lars, agent } = world([hung.authority], { timeoutMs: 100 });
    const error = { code: 'LARS_CALL_TIMEOUT', modid: 1, cmdid: 2, host: { port: Number(hung.authority.split(':')[1]) } };
    await expect(send({ agent })).rejects.toMatchObject(error);
    expect(reported(lars)).toEqual([`${hung.authority} false`]);
  });

  test('finds out hosts that hang, by the timeout of the request, as axios sets it', async () => {
    const hung = await serve(() => undefined);
    const { lars, agent } = world([hung.authority]);
    const outgoing = get(URL_OF_MODULE, { agent });
    outgoing.setTimeout(100, () => outgoing.destroy(new Error('too long')));
    await expect(answerOf(outgoing)).rejects.toThrow('too long');
    expect(reported(lars)).toEqual([`${hung.authority} false`]);
  });

  test('finds out hosts that hang, by the error with which a caller gives up, as got does', async () => {
    const hung = await serve(() => undefined);
    const { lars, agent } = world([hung.authority]);
    const outgoing = get(URL_OF_MODULE, { agent });
    const ended = expect(answerOf(outgoing)).rejects.toThrow('too long');
    await eventually('the request', () => hung.requests.length > 0);
    outgoing.destroy(Object.assign(new Error('too long'), { code: 'ETIMEDOUT' }));
    await ended;
    expect(reported(lars)).toEqual([`${hung.authority} false`]);
  });

  test.each<[string, (outgoing: ClientRequest, abort: () => void) => void]>([
    ['by its signal', (_, abort) => abort()],
    ['by destroy', outgoing => void outgoing.destroy(new Error('no more'))],
  ])('reports nothing of a request that its caller ends %s', async (_, end) => {
    const hung = await serve(() => undefined);
    const { lars, agent } = world([hung.authority]);
    const controller = new AbortController();
    const outgoing = get(URL_OF_MODULE, { agent, signal: controller.signal });
    const ended = expect(answerOf(outgoing)).rejects.toThrow();
    await eventually('the request', () => hung.requests.length > 0);
    end(outgoing, () => controller.abort());
    await ended;
    expect(lars.reports).toEqual([]);
  });

  test('ends the pick of a request that its caller ends, at once', async () => {
    const { lars, agent } = world([]);
    let seen: AbortSignal | undefined;
    vi.spyOn(lars, 'getHost').mockImplementation((_modid, _cmdid, options) => {
      seen = options?.signal;
      return new Promise((_, reject) => seen?.addEventListener('abort', () => reject(seen?.reason)));
    });
    const outgoing = get(URL_OF_MODULE, { agent });
    const errors: unknown[] = [];
    outgoing.on('error', error => errors.push(error));
    await eventually('the pick', () => seen);
    outgoing.destroy(new Error('no more'));
    await new Promise(resolve => outgoing.once('close', resolve));
    expect([seen?.aborted, errors, lars.reports]).toEqual([true, [new Error('no more')], []]);
  });

  test('blames no host for sockets that end with their agent', async () => {
    const hung = await serve(() => undefined);
    const { lars, agent } = world([hung.authority]);
    const ended = expect(send({ agent })).rejects.toMatchObject({ code: 'ECONNRESET' });
    await eventually('the request', () => hung.requests.length > 0);
    agent.destroy();
    await ended;
    expect(lars.reports).toEqual([]);
  });

  test('gives a response away that nobody listens for, so that the connection is free again', async () => {
    const server = await serve((_, response) => void response.end('x'.repeat(300_000)));
    const { lars, agent } = world([server.authority]);
    const outgoing = get(URL_OF_MODULE, { agent });
    await once(outgoing, 'close');
    await send({ agent });
    expect([lars.reports.length, server.connections()]).toEqual([2, 1]);
  });

  test('passes an upgrade on, and reports it', async () => {
    const server = await serve();
    server.server.on(
      'upgrade',
      (_, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
    );
    const { lars, agent } = world([server.authority]);
    const outgoing = get(URL_OF_MODULE, { agent, headers: { connection: 'upgrade', upgrade: 'x' } });
    const [response, socket] = await once(outgoing, 'upgrade');
    socket.destroy();
    expect([response.statusCode, reported(lars)]).toEqual([101, [`${server.authority} true`]]);
  });

  test('gives the error of a pick, and tells of no error that nobody listens for', async () => {
    const { lars, agent } = world(['127.0.0.1:1']);
    lars.fail(1, 2, 'LARS_OVERLOAD');
    await expect(send({ agent })).rejects.toMatchObject({ code: 'LARS_OVERLOAD' });
    await expect(send({ agent, port: 8080 })).rejects.toThrow("port must be left out: LARS picks it, too, not '1-2.lars:8080'");
  });

  test('leaves other names as they are', async () => {
    const server = await serve();
    const { lars, agent } = world([]);
    const outgoing = get(`http://${server.authority}/other`, { agent });
    expect((await answerOf(outgoing)).body).toBe('fine');
    await expect(answerOf(get(`http://${await refused()}/`, { agent }))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect([server.requests, lars.reports]).toEqual([['GET /other '], []]);
  });

  test.each<[unknown, string]>([
    [{ maxRetries: 1 }, "options must not have 'maxRetries': did you mean maxTries?"],
    [{ maxTries: 0 }, 'maxTries must be an integer in 1..16, not 0'],
    [{ timeoutMs: 0 }, 'timeoutMs must be'],
    [{ isFailure: 500 }, 'isFailure must be a function, not 500'],
    [{ keepAlive: true }, "options must not have 'keepAlive'"],
    [{ agentOptions: { host: 'a' } }, 'agentOptions must be without host: LARS says where requests go'],
    [{ agentOptions: 1 }, 'agentOptions must be an object, not 1'],
    [null, 'options must be an object, not null'],
  ])('refuses options %j', (options, message) => {
    for (const make of [LarsHttpAgent, LarsHttpsAgent]) {
      expect(() => new make(createTestAgent(), options as never)).toThrow(LarsError);
      expect(() => new make(createTestAgent(), options as never)).toThrow(message);
    }
  });
});

describe.runIf(HAS_OPENSSL)('an agent of node:https by LARS', () => {
  test('goes to hosts that have the certificate of the name that it is told, and to no other ones', async () => {
    const certificates = new TestCertificates();
    ends.push(async () => certificates.dispose());
    const pem = (machine: string, file: string) => readFileSync(path.join(machine, `${file}.pem`));
    const serveAs = async (name: string) => {
      const machine = certificates.machine(name, { name: `DNS:${name}` });
      const server = createSecureServer({ key: pem(machine, 'key'), cert: pem(machine, 'cert') }, (incoming, response) => {
        response.end(`${name} ${incoming.headers.host}`);
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      ends.push(() => new Promise(resolve => server.close(resolve).closeAllConnections()));
      return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, ca: pem(machine, 'ca') };
    };
    const [foreign, own] = [await serveAs('other.example'), await serveAs('users.example')];
    const lars = createTestAgent({ routes: { '1/2': [foreign.host, own.host] } });
    const agent = new LarsHttpsAgent(lars, { agentOptions: { ca: own.ca } });
    ends.push(async () => agent.destroy());
    const outgoing = getSecurely('https://1-2.lars/', { agent, servername: 'users.example' });
    expect((await answerOf(outgoing)).body).toBe('users.example 1-2.lars');
    expect(reported(lars)).toEqual([`${foreign.host} false`, `${own.host} true`]);
    await expect(answerOf(getSecurely('https://1-2.lars/', { agent }))).rejects.toThrow('servername must be');
  });
});
