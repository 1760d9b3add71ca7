import { execFile } from 'node:child_process';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createTestAgent, type TestAgent } from '@lars/client-sdk/testing';
import { type LarsDispatcherOptions, larsDispatcher } from '@lars/client-sdk/undici';
import { Agent, type Dispatcher, fetch, request } from 'undici';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LarsClient, LarsError } from '../../../client-sdk/src/index.ts';
import { eventually } from '../../support/eventually.ts';
import { FakeAgent, HOST, hostAnswer } from './fake-agent.ts';
import { destroy, httpServers, reported } from './http-servers.ts';

const { ends, serve, refused } = httpServers();
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function world(hosts: readonly string[], options: LarsDispatcherOptions = {}): { lars: TestAgent; dispatcher: Dispatcher } {
  const lars = createTestAgent({ routes: { '1/2': hosts } });
  const dispatcher = larsDispatcher(lars, options);
  ends.push(() => dispatcher.destroy());
  return { lars, dispatcher };
}

const URL_OF_MODULE = 'http://1-2.lars/path?a=b';

describe('a dispatcher by LARS', () => {
  test('picks hosts in turn, keeps their connections, and reports how long their headers took', async () => {
    const [one, other] = [await serve(), await serve()];
    const { lars, dispatcher } = world([one.authority, other.authority]);
    for (let i = 0; i < 4; i++) {
      const response = await fetch(URL_OF_MODULE, { dispatcher });
      expect(await response.text()).toBe('fine');
    }
    for (const server of [one, other]) {
      expect([server.requests, server.connections()]).toEqual([Array(2).fill('GET /path?a=b '), 1]);
    }
    expect(reported(lars)).toEqual([one, other, one, other].map(({ authority }) => `${authority} true`));
    expect(lars.reports.every(({ tcostMs = -1 }) => tcostMs >= 0)).toBe(true);
  });

  test('tells a real agent', async () => {
    const server = await serve();
    await using agent = await FakeAgent.start();
    const host = { ...HOST, ip: 0x7f000001, port: Number(server.authority.split(':')[1]) };
    agent.onHost = (request, reply) => reply(hostAnswer(request, { host }));
    await using lars = new LarsClient({ ports: agent.ports, timeoutMs: 10_000 });
    const dispatcher = larsDispatcher(lars);
    ends.push(() => dispatcher.destroy());
    expect(await (await fetch(URL_OF_MODULE, { dispatcher })).text()).toBe('fine');
    await agent.until(() => agent.reports.length === 1);
    expect(agent.reports).toMatchObject([{ modid: 1, cmdid: 2, host: { ip: host.ip, port: host.port }, retcode: 0 }]);
  });

  test('is not loaded by the client, nor is undici', async () => {
    const sdk = new URL('../../../client-sdk/src/index.ts', import.meta.url).href;
    const program = `
      import { createRequire } from 'node:module';
      await import('${sdk}');
      const isLoaded = () => Object.keys(createRequire('/').cache).some(file => file.includes('/node_modules/undici/'));
      process.stdout.write(String(isLoaded()));
      await import('@lars/client-sdk/undici');
      process.stdout.write(' ' + isLoaded());`;
    const options = { cwd: import.meta.dirname, timeout: 20_000 };
    const child = await promisify(execFile)(
      process.execPath,
      ['--conditions=source', '--input-type=module', '-e', program],
      options,
    );
    expect(child.stdout).toBe('false true');
  });

  test("is taken by Node.js' own fetch, where that is of undici 8", async () => {
    const server = await serve();
    const { lars, dispatcher } = world([server.authority]);
    // The types of Node.js are of another copy of undici.
    const response = await globalThis.fetch(URL_OF_MODULE, {
      method: 'POST',
      body: 'hello',
      dispatcher,
    } as unknown as RequestInit);
    expect(await response.text()).toBe('fine');
    expect([server.requests, reported(lars)]).toEqual([['POST /path?a=b hello'], [`${server.authority} true`]]);
  });

  test.each<[string, () => string | Uint8Array | Readable | null]>([
    ['no body', () => null],
    ['a text', () => 'hello'],
    ['bytes', () => Buffer.from('hello')],
    ['a stream', () => Readable.from(['hel', 'lo'])],
  ])('sends a POST with %s to another host where none listens', async (_, makeBody) => {
    const [gone, server] = [await refused(), await serve()];
    const { lars, dispatcher } = world([gone, server.authority]);
    const body = makeBody();
    const response = await request(URL_OF_MODULE, { method: 'POST', dispatcher, body });
    expect(await response.body.text()).toBe('fine');
    expect(server.requests).toEqual([`POST /path?a=b ${body === null ? '' : 'hello'}`]);
    expect(reported(lars)).toEqual([`${gone} false`, `${server.authority} true`]);
  });

  test('sends a fetch with a body to another host where none listens', async () => {
    const [gone, server] = [await refused(), await serve()];
    const { lars, dispatcher } = world([gone, server.authority]);
    expect((await fetch(URL_OF_MODULE, { method: 'POST', body: 'hello', dispatcher })).status).toBe(200);
    expect([server.requests, reported(lars)]).toEqual([['POST /path?a=b hello'], [`${gone} false`, `${server.authority} true`]]);
  });

  test.each<[Dispatcher.HttpMethod, string | null, boolean]>([
    ['GET', null, true],
    ['PUT', 'hello', true],
    ['POST', 'hello', false],
    ['PATCH', null, false],
  ])('repeats a %s with body %j after a reset: %s', async (method, body, isRepeated) => {
    const [bad, server] = [await serve(destroy), await serve()];
    const { lars, dispatcher } = world([bad.authority, server.authority]);
    const response = request(URL_OF_MODULE, { method, body, dispatcher });
    if (isRepeated) expect((await response).statusCode).toBe(200);
    else await expect(response).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
    expect(reported(lars)).toEqual([`${bad.authority} false`, ...(isRepeated ? [`${server.authority} true`] : [])]);
  });

  test.each([
    [{ method: 'GET' }, 200],
    [{ method: 'PUT', body: 'hello' }, 'fetch failed'],
  ])('a fetch of %j ends after a reset with %s', async (init, outcome) => {
    const [bad, server] = [await serve(destroy), await serve()];
    const { dispatcher } = world([bad.authority, server.authority]);
    const ended = fetch(URL_OF_MODULE, { ...init, dispatcher }).then(
      ({ status }) => status,
      error => error.message,
    );
    expect(await ended).toBe(outcome);
  });

  test('does not repeat a stream that was begun', async () => {
    const [bad, server] = [await serve(destroy), await serve()];
    const { lars, dispatcher } = world([bad.authority, server.authority]);
    await expect(request(URL_OF_MODULE, { method: 'PUT', body: Readable.from(['a']), dispatcher })).rejects.toThrow();
    expect([server.requests, reported(lars)]).toEqual([[], [`${bad.authority} false`]]);
  });

  test('does not repeat what breaks off after its headers, which it has reported', async () => {
    const bad = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('half');
      setImmediate(() => response.destroy());
    });
    const server = await serve();
    const { lars, dispatcher } = world([bad.authority, server.authority]);
    const response = await fetch(URL_OF_MODULE, { dispatcher });
    await expect(response.text()).rejects.toThrow();
    expect([server.requests, reported(lars)]).toEqual([[], [`${bad.authority} true`]]);
  });

  test.each<[number, LarsDispatcherOptions, boolean]>([
    [499, {}, true],
    [500, {}, false],
    [503, { isFailure: status => status === 404 }, true],
    [404, { isFailure: status => status === 404 }, false],
    [
      200,
      {
        isFailure: () => {
          throw new Error('a bug in isFailure');
        },
      },
      false,
    ],
  ])('gives a response with status %i, and reports it (%#)', async (status, options, ok) => {
    const server = await serve((_, response) => void response.writeHead(status).end());
    const { lars, dispatcher } = world([server.authority, (await serve()).authority], options);
    expect((await fetch(URL_OF_MODULE, { dispatcher })).status).toBe(status);
    expect(reported(lars)).toEqual([`${server.authority} ${ok}`]);
  });

  test('finds out hosts that hang, and does not ask another one: they may be at work', async () => {
    const [hung, server] = [await serve(() => undefined), await serve()];
    const { lars, dispatcher } = world([hung.authority, server.authority], { timeoutMs: 100 });
    await expect(request(URL_OF_MODULE, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
    expect([server.requests, reported(lars)]).toEqual([[], [`${hung.authority} false`]]);
  });

  test('tries so many hosts at most, each one once, and gives the last error', async () => {
    const gone = await Promise.all([refused(), refused(), refused()]);
    const few = world(gone, { maxTries: 2 });
    await expect(request(URL_OF_MODULE, { dispatcher: few.dispatcher })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(few.lars.reports).toHaveLength(2);
    const all = world(gone.slice(1), { maxTries: 5 });
    await expect(request(URL_OF_MODULE, { dispatcher: all.dispatcher })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(reported(all.lars)).toEqual(gone.slice(1).map(host => `${host} false`));
  });

  test('reports nothing of a request that its caller aborts, and ends it at once', async () => {
    const hung = await serve(() => undefined);
    const { lars, dispatcher } = world([hung.authority]);
    for (const send of [fetch, request]) {
      const controller = new AbortController();
      const aborted = expect(send(URL_OF_MODULE, { dispatcher, signal: controller.signal })).rejects.toThrow('no more');
      const before = hung.requests.length;
      await eventually('the request', () => hung.requests.length > before);
      controller.abort(new Error('no more'));
      await aborted;
    }
    expect(lars.reports).toEqual([]);
  });

  test('ends the pick of a request that its caller aborts', async () => {
    const { lars, dispatcher } = world([]);
    let seen: AbortSignal | undefined;
    vi.spyOn(lars, 'getHost').mockImplementation((_modid, _cmdid, options) => {
      seen = options?.signal;
      return new Promise((_, reject) => seen?.addEventListener('abort', () => reject(seen?.reason)));
    });
    const controller = new AbortController();
    const aborted = expect(request(URL_OF_MODULE, { dispatcher, signal: controller.signal })).rejects.toThrow('no more');
    controller.abort(new Error('no more'));
    await aborted;
    expect([seen?.aborted, lars.reports]).toEqual([true, []]);
  });

  test('does not blame a host for what the caller does', async () => {
    const server = await serve();
    const { lars, dispatcher } = world([server.authority]);
    const body = new Readable({ read: () => void body.destroy(new Error('no more bytes')) });
    await expect(request(URL_OF_MODULE, { method: 'POST', body, dispatcher })).rejects.toThrow('no more bytes');
    await expect(request(URL_OF_MODULE, { method: 'a b' as never, dispatcher })).rejects.toThrow('invalid request method');
    expect(lars.reports).toEqual([]);
  });

  test('gives the error of a pick', async () => {
    const { lars, dispatcher } = world(['127.0.0.1:1']);
    lars.fail(1, 2, 'LARS_OVERLOAD');
    await expect(request(URL_OF_MODULE, { dispatcher })).rejects.toMatchObject({ code: 'LARS_OVERLOAD' });
    await expect(fetch(URL_OF_MODULE, { dispatcher })).rejects.toMatchObject({ cause: { code: 'LARS_OVERLOAD' } });
  });

  test.each(['http://1-2.lars.example/', 'http://users.lars/', 'http://12.lars/', 'http://1-99999999999.lars/'])(
    'leaves %s to the dispatcher below it',
    async url => {
      const agent = new Agent();
      ends.push(() => agent.close());
      const dispatched = vi.spyOn(agent, 'dispatch').mockImplementation((_, handler) => {
        handler.onResponseError?.(undefined as never, new Error('passed'));
        return true;
      });
      const { lars, dispatcher } = world([], { dispatcher: agent });
      await expect(request(url, { dispatcher })).rejects.toThrow('passed');
      expect([dispatched.mock.calls.map(([{ origin }]) => `${origin}/`), lars.reports]).toEqual([[url], []]);
    },
  );

  test('closes its own agent, and none that was given', async () => {
    const server = await serve();
    const agent = new Agent();
    ends.push(() => agent.close());
    const given = world([server.authority], { dispatcher: agent });
    await given.dispatcher.close();
    expect((await request(`http://${server.authority}/`, { dispatcher: agent })).statusCode).toBe(200);
    const own = world([server.authority]);
    await own.dispatcher.close();
    await expect(request(URL_OF_MODULE, { dispatcher: own.dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
    expect(own.lars.reports).toEqual([]);
  });

  test('refuses a port, and a fetch of an older undici', async () => {
    const { dispatcher } = world([]);
    await expect(request('http://1-2.lars:8080/', { dispatcher })).rejects.toThrow('origin must be without a port');
    const older = { onConnect: () => undefined, onError: () => undefined } as Dispatcher.DispatchHandler;
    expect(() => dispatcher.dispatch({ origin: 'http://1-2.lars', path: '/', method: 'GET' }, older)).toThrow(
      'fetch must be that of the package undici from 8 on',
    );
  });

  test.each<[unknown, string]>([
    [{ maxRetries: 1 }, "options must not have 'maxRetries': did you mean maxTries?"],
    [{ maxTries: 0 }, 'maxTries must be an integer in 1..16, not 0'],
    [{ timeoutMs: 0 }, 'timeoutMs must be'],
    [{ isFailure: 500 }, 'isFailure must be a function, not 500'],
    [{ dispatcher: {} }, 'dispatcher must be a Dispatcher of undici, not an object'],
    [null, 'options must be an object, not null'],
  ])('refuses options %j', (options, message) => {
    const make = () => larsDispatcher(createTestAgent(), options as never);
    expect(make).toThrow(LarsError);
    expect(make).toThrow(message);
  });
});
