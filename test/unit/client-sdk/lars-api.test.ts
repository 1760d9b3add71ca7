import { createTestAgent, type TestAgent, type TestFailure } from '@lars/client-sdk/testing';
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { type LarsApi, LarsClient } from '../../../client-sdk/src/index.ts';
import { FakeAgent, HOST, hostAnswer, routeAnswer } from './fake-agent.ts';
import { rejection } from './rejection.ts';

/** A LarsApi with module 1/2, whose only host is 10.0.0.5:80, module 1/3 without hosts, and module 1/4 with none that may be called. */
interface World extends AsyncDisposable {
  readonly lars: LarsApi;
  /** 'HOST ok' of each result that was reported. */
  reports(count: number): Promise<readonly string[]>;
}

async function realWorld(): Promise<World> {
  const agent = await FakeAgent.start();
  const retcodes: Readonly<Record<number, number>> = { 3: 3, 4: 1 };
  agent.onHost = (request, reply) => {
    const retcode = retcodes[request.cmdid];
    reply(hostAnswer(request, retcode === undefined ? {} : { retcode, host: undefined }));
  };
  agent.onRoute = (request, reply) => reply(routeAnswer(request, request.cmdid === 3 ? { host: [] } : {}));
  const lars = new LarsClient({ ports: agent.ports, timeoutMs: 10_000, cache: false, fallback: false });
  return {
    lars,
    reports: async count => {
      await agent.until(() => agent.reports.length >= count);
      return agent.reports.map(
        ({ host, retcode }) => `${host?.ip === HOST.ip ? '10.0.0.5' : '?'}:${host?.port} ${retcode === 0}`,
      );
    },
    [Symbol.asyncDispose]: async () => {
      await lars.close();
      await agent[Symbol.asyncDispose]();
    },
  };
}

async function memoryWorld(): Promise<World> {
  const lars = createTestAgent({
    routes: { '1/2': ['10.0.0.5:80'], '1/3': [], '1/4': [{ host: '10.0.0.5:80', drain: true }] },
  });
  return {
    lars,
    reports: async () => lars.reports.map(({ host, ok }) => `${host} ${ok}`),
    [Symbol.asyncDispose]: () => lars.close(),
  };
}

afterEach(() => {
  vi.useRealTimers();
});

describe.each([
  ['a client', realWorld],
  ['an agent in memory', memoryWorld],
])('LarsApi of %s', (_, start) => {
  test('picks, and takes reports of what was picked and of what was written by hand', async () => {
    await using world = await start();
    const host = await world.lars.getHost(1, 2);
    expect([host.modid, host.cmdid, `${host}`]).toEqual([1, 2, '10.0.0.5:80']);
    world.lars.report(host, { ok: false, tcostMs: 5 });
    world.lars.report({ modid: 1, cmdid: 2, host: '10.0.0.5', port: 80 }, { ok: true });
    expect(await world.reports(2)).toEqual(['10.0.0.5:80 false', '10.0.0.5:80 true']);
  });

  test('calls, and reports results as they are judged', async () => {
    await using world = await start();
    const error = new Error('x');
    expect(await world.lars.call(1, 2, host => host.port)).toBe(80);
    expect(await world.lars.call(1, 2, () => 500, { isFailureResult: status => status >= 500 })).toBe(500);
    await expect(world.lars.call(1, 2, () => Promise.reject(error))).rejects.toBe(error);
    expect(await world.reports(3)).toEqual(['10.0.0.5:80 true', '10.0.0.5:80 false', '10.0.0.5:80 false']);
  });

  test.each([
    [3, 'LARS_NO_EXIST'],
    [4, 'LARS_OVERLOAD'],
  ])('says of module 1/%i %s', async (cmdid, code) => {
    await using world = await start();
    expect((await rejection(world.lars.getHost(1, cmdid))).code).toBe(code);
    const run = vi.fn();
    expect(await rejection(world.lars.call(1, cmdid, run))).toMatchObject({ code, modid: 1, cmdid });
    expect([run.mock.calls, world.lars.tryGetHost(1, cmdid)]).toEqual([[], undefined]);
  });

  test('tells routes, and waits for them', async () => {
    await using world = await start();
    expect((await world.lars.getRoute(1, 2)).hosts.map(String)).toEqual(['10.0.0.5:80']);
    expect((await world.lars.getRoute(1, 3)).hosts).toEqual([]);
    expect((await world.lars.register(1, 2)).hosts).toHaveLength(1);
    const error = await rejection(world.lars.register(1, 3, { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: 'LARS_NO_ROUTE', cause: { code: 'LARS_NO_EXIST' } });
  });

  test.each(['getHost', 'getRoute', 'register'] as const)('%s heeds its signal, and refuses what is wrong', async method => {
    await using world = await start();
    expect((await rejection(world.lars[method](1, 2, { signal: AbortSignal.abort() }))).code).toBe('LARS_ABORTED');
    expect((await rejection(world.lars[method](1.5, 2))).message).toContain('modid must be an integer');
    expect((await rejection(world.lars[method](1, 2, { timeout: 1 } as never))).message).toContain('did you mean timeoutMs?');
  });

  test('refuses wrong calls and reports', async () => {
    await using world = await start();
    const { lars } = world;
    const message = async (promise: Promise<unknown>) => (await rejection(promise)).message;
    expect(await message(lars.call(1.5, 2, () => 0))).toContain('modid must be an integer');
    expect(await message(lars.call(1, 2, undefined as never))).toContain('run must be a function');
    expect(await message(lars.call(1, 2, () => 0, { timeOutMs: 5 } as never))).toContain('did you mean timeoutMs?');
    expect(() => lars.report({ modid: 1, cmdid: 2, host: '', port: 80 }, { ok: true })).toThrow(
      'host must be an address and a port',
    );
  });

  test('does nothing after close', async () => {
    await using world = await start();
    await world.lars.close();
    for (const method of ['getHost', 'getRoute', 'register'] as const) {
      expect((await rejection(world.lars[method](1, 2))).code).toBe('LARS_CLOSED');
    }
    expect((await rejection(world.lars.call(1, 2, () => 0))).code).toBe('LARS_CLOSED');
    world.lars.report({ modid: 1, cmdid: 2, host: '10.0.0.5', port: 80 }, { ok: true });
    expect(await world.reports(0)).toEqual([]);
  });
});

describe('an agent in memory', () => {
  test('picks in turn, and no host that drains', async () => {
    const lars = createTestAgent({
      routes: { '-1/0': ['a:1', { host: 'b:2', drain: true }, { host: 'c:3', weight: 7, zone: 'z' }] },
    });
    const picked = [await lars.getHost(-1, 0), lars.tryGetHost(-1, 0), await lars.getHost(-1, 0)];
    expect(picked.map(String)).toEqual(['a:1', 'c:3', 'a:1']);
    expect(picked[1]).toMatchObject({ weight: 7, zone: 'z' });
    expect((await lars.getRoute(-1, 0)).hosts).toHaveLength(3);
  });

  test.each<[TestFailure, boolean]>([
    ['LARS_OVERLOAD', true],
    ['LARS_SYSTEM_ERROR', true],
    ['LARS_AGENT_SILENT', false],
    ['LARS_AGENT_UNREACHABLE', false],
  ])('fails with %s until it recovers; answers with routes meanwhile: %s', async (code, hasRoute) => {
    const lars = createTestAgent({ routes: { '1/2': ['a:1'], '1/3': ['b:1'] } });
    lars.fail(1, 2, code);
    expect((await rejection(lars.call(1, 2, () => 0))).code).toBe(code);
    const route = lars.getRoute(1, 2);
    if (hasRoute) expect((await route).hosts).toHaveLength(1);
    else expect((await rejection(route)).code).toBe(code);
    expect(`${await lars.getHost(1, 3)}`).toBe('b:1');
    lars.recover(1, 2);
    expect(`${await lars.getHost(1, 2)}`).toBe('a:1');
  });

  test('registers as soon as there is a route', async () => {
    const lars = createTestAgent();
    const registered = lars.register(1, 2);
    lars.setRoute(1, 2, ['a:1']);
    expect((await registered).hosts.map(String)).toEqual(['a:1']);
  });

  test('tells reports with the time of its clock, until they are cleared', async () => {
    let nowMs = 5;
    const lars = createTestAgent({ routes: { '1/2': ['[2001:db8::1]:80'] }, nowMs: () => nowMs });
    await lars.call(1, 2, () => {
      nowMs += 7;
    });
    expect(lars.reports).toEqual([{ modid: 1, cmdid: 2, host: '[2001:db8::1]:80', ok: true, tcostMs: 7 }]);
    lars.clearReports();
    expect(lars.reports).toEqual([]);
  });

  test.each<[unknown, string]>([
    [{ route: {} }, "options must not have 'route': did you mean routes?"],
    [{ routes: { '1-2': [] } }, "routes must be named by module, such as '1/2', not '1-2'"],
    [{ routes: { '1/2/3': [] } }, 'routes must be named by module'],
    [{ routes: { '1/2': 'a:1' } }, "hosts must be an array of hosts, not 'a:1'"],
    [{ routes: { '1/2': ['a'] } }, "host must be an address and a port, not 'a'"],
    [{ routes: { '1/2': [{ host: 'a:1', drained: true }] } }, "host must not have 'drained': did you mean drain?"],
    [{ routes: { '1/2': [{ host: 'a:1', weight: '7' }] } }, "weight must be an integer of at least 0, not '7'"],
    [{ routes: 5 }, 'routes must be an object, not 5'],
    [{ nowMs: 5 }, 'nowMs must be a function, not 5'],
  ])('refuses %j', (options, message) => {
    expect(() => createTestAgent(options as never)).toThrow(
      expect.objectContaining({ code: 'LARS_BAD_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });

  test('refuses a failure that no agent has', () => {
    expect(() => createTestAgent().fail(1, 2, 'LARS_CLOSED' as never)).toThrow(
      'code must be one of LARS_OVERLOAD, LARS_SYSTEM_ERROR',
    );
  });

  test('is a LarsApi, as a client is', () => {
    expectTypeOf<TestAgent>().toExtend<LarsApi>();
    expectTypeOf<LarsClient>().toExtend<LarsApi>();
  });
});
