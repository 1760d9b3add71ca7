import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { runCall } from '../../../client-sdk/src/call.ts';
import { type CallOptions, type CallResult, LarsClient, LarsHost } from '../../../client-sdk/src/index.ts';
import { FakeAgent, HOST, hostAnswer } from './fake-agent.ts';
import { rejection } from './rejection.ts';

const host = new LarsHost(1, 2, HOST);
const context = { modid: 1, cmdid: 2, agent: '127.0.0.1:8888' };

/** A call in virtual time, with what it reported. */
function world() {
  const clock = { nowMs: 5_000 };
  const reports: CallResult[] = [];
  const deps = {
    nowMs: () => clock.nowMs,
    report: (reported: LarsHost, result: CallResult) => {
      expect(reported).toBe(host);
      reports.push(result);
    },
  };
  const call = <T>(run: Parameters<typeof runCall<T>>[2], options: CallOptions<T> = {}, leftMs = 90) =>
    runCall<T>(context, host, run, options, { timeoutMs: 100, leftMs }, deps);
  return { clock, reports, call };
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a call', () => {
  test('gives the result unchanged, and reports success with the time it took', async () => {
    const { clock, reports, call } = world();
    const result = {};
    const answer = await call(async (picked, signal) => {
      expect([picked, signal.aborted]).toEqual([host, false]);
      clock.nowMs += 37;
      return result;
    });
    expect(answer).toBe(result);
    expect(reports).toEqual([{ ok: true, tcostMs: 37 }]);
  });

  test.each([new Error('refused'), 'a string', undefined])(
    'throws %s unchanged, and reports failure with the time',
    async thrown => {
      const { clock, reports, call } = world();
      const answer = call(async () => {
        clock.nowMs += 12;
        throw thrown;
      });
      const outcome = await answer.then(
        () => 'resolved',
        error => ({ error }),
      );
      expect(outcome).toEqual({ error: thrown });
      expect((outcome as { error: unknown }).error).toBe(thrown);
      expect(reports).toEqual([{ ok: false, tcostMs: 12 }]);
    },
  );

  test('may be a plain function that returns or throws', async () => {
    const { reports, call } = world();
    const error = new Error('at once');
    expect(await call(() => 5)).toBe(5);
    await expect(
      call(() => {
        throw error;
      }),
    ).rejects.toBe(error);
    expect(reports.map(report => report.ok)).toEqual([true, false]);
  });

  test.each<[string, (error: unknown) => boolean, boolean]>([
    ['answers false', () => false, true],
    ['answers true', () => true, false],
    [
      'throws',
      () => {
        throw new Error('a bug in isFailure');
      },
      false,
    ],
    ['asks for this very error', error => (error as Error).message !== 'no such user', true],
  ])('whose isFailure %s reports ok: %#', async (_, isFailure, ok) => {
    const { reports, call } = world();
    const error = new Error('no such user');
    await expect(call(() => Promise.reject(error), { isFailure })).rejects.toBe(error);
    expect(reports).toEqual([{ ok, tcostMs: 0 }]);
  });

  test.each<[string, (status: number) => boolean, boolean]>([
    ['answers true', status => status >= 500, false],
    ['answers false', status => status >= 501, true],
    [
      'throws',
      () => {
        throw new Error('a bug in isFailureResult');
      },
      false,
    ],
  ])('whose isFailureResult %s gives its result, and reports ok: %#', async (_, isFailureResult, ok) => {
    const { reports, call } = world();
    expect(await call(async () => 500, { isFailureResult, isFailure: () => expect.unreachable() })).toBe(500);
    expect(reports).toEqual([{ ok, tcostMs: 0 }]);
  });

  test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    ['that never ends', () => new Promise(() => {})],
    ['that heeds its signal', signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error())))],
    [
      'that fails later',
      signal => new Promise((_, reject) => signal.addEventListener('abort', () => setImmediate(reject, new Error()))),
    ],
    ['that succeeds later', signal => new Promise(resolve => signal.addEventListener('abort', () => setImmediate(resolve, 5)))],
  ])('with a function %s ends at once when its caller aborts, and reports nothing', async (_, run) => {
    const { reports, call } = world();
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    let seen: AbortSignal | undefined;
    const answer = rejection(
      call(
        (_, signal) => {
          seen = signal;
          return run(signal);
        },
        { signal: controller.signal, isFailure: () => expect.unreachable() },
      ),
    );
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort(reason);
    const error = await answer;
    expect(error).toMatchObject({ code: 'LARS_ABORTED', modid: 1, cmdid: 2, cause: reason });
    expect([error.host, seen?.reason]).toEqual([host, reason]);
    expect(error.message).toContain('aborted the call to 10.0.0.5:80');
    await new Promise(setImmediate);
    expect(reports).toEqual([]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
  });

  test('whose function aborts it is aborted, though the function succeeds', async () => {
    const { reports, call } = world();
    const controller = new AbortController();
    const answer = call(async () => controller.abort(), { signal: controller.signal });
    expect((await rejection(answer)).code).toBe('LARS_ABORTED');
    expect(reports).toEqual([]);
  });

  test('that its caller aborted before the time was up stays unreported', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { reports, call } = world();
    const controller = new AbortController();
    const answer = rejection(call(() => new Promise(() => {}), { signal: controller.signal }));
    controller.abort();
    vi.advanceTimersByTime(90);
    expect((await answer).code).toBe('LARS_ABORTED');
    expect(reports).toEqual([]);
  });

  test.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
    [
      'that heeds its signal',
      signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    ],
    ['that never ends', () => new Promise(() => {})],
    [
      'that fails later',
      signal => new Promise((_, reject) => signal.addEventListener('abort', () => setImmediate(reject, new Error()))),
    ],
    ['that succeeds later', signal => new Promise(resolve => signal.addEventListener('abort', () => setImmediate(resolve)))],
  ])('with a function %s ends at its deadline, and reports failure', async (_, run) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { clock, reports, call } = world();
    let seen: AbortSignal | undefined;
    const options = { isFailure: () => false, isFailureResult: () => false };
    const answer = rejection(
      call((_, signal) => {
        seen = signal;
        return run(signal);
      }, options),
    );
    vi.advanceTimersByTime(89);
    expect([seen?.aborted, reports]).toEqual([false, []]);
    clock.nowMs += 90;
    vi.advanceTimersByTime(1);
    const error = await answer;
    expect(error).toMatchObject({ code: 'LARS_CALL_TIMEOUT', formerCode: 'LARS_TIMEOUT', modid: 1, cmdid: 2 });
    expect(error.host).toBe(host);
    expect(error.message).toContain('the call to 10.0.0.5:80 (picked by agent 127.0.0.1:8888) took longer than 100 ms');
    expect(seen?.reason).toBe(error);
    await new Promise(setImmediate);
    expect(reports).toEqual([{ ok: false, tcostMs: 90 }]);
  });

  test('that ends in time leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { call } = world();
    await call(async () => 1);
    await expect(call(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('LarsClient.call', () => {
  const UNTIL_ANSWERED = 10_000;

  test('picks, runs, and reports to the server of the module', async () => {
    await using agent = await FakeAgent.start();
    let nowMs = 100;
    await using client = new LarsClient(
      { ports: agent.ports, timeoutMs: UNTIL_ANSWERED, cache: false, fallback: false },
      { nowMs: () => nowMs },
    );
    const answer = await client.call(1, 3, picked => {
      nowMs += 25.4;
      return `${picked}`;
    });
    await agent.until(() => agent.reports.length === 1);
    expect(answer).toBe('10.0.0.5:80');
    expect(agent.reports).toEqual([{ shard: 1, modid: 1, cmdid: 3, host: HOST, retcode: 0, tcost: 25 }]);
    expect(client.stats()).toMatchObject({ reports: 1, sent: 2, answered: 1 });
  });

  test('reports a failure, and a host that is a name as it came', async () => {
    await using agent = await FakeAgent.start();
    const named = { ...HOST, ip: 0, addr: 'db.example' };
    agent.onHost = (request, reply) => reply(hostAnswer(request, { host: { ...named, weight: 50, zone: 'a' } }));
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
    const error = new Error('refused');
    await expect(client.call(1, 2, () => Promise.reject(error))).rejects.toBe(error);
    await agent.until(() => agent.reports.length === 1);
    expect(agent.reports).toMatchObject([{ shard: 0, modid: 1, cmdid: 2, host: named, retcode: 1, tcost: 1 }]);
  });

  test('without a host does not run', async () => {
    await using agent = await FakeAgent.start();
    agent.onHost = (request, reply) => reply(hostAnswer(request, { retcode: 1 }));
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
    const run = vi.fn();
    expect((await rejection(client.call(1, 2, run))).code).toBe('LARS_OVERLOAD');
    expect(run).not.toHaveBeenCalled();
    expect(client.stats().reports).toBe(0);
  });

  test('aborted between the pick and the run does not run', async () => {
    await using agent = await FakeAgent.start();
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
    const controller = new AbortController();
    const run = vi.fn();
    const picking = vi.spyOn(client, 'getHost').mockImplementation(async () => {
      controller.abort(new Error('no longer wanted'));
      return host;
    });
    expect((await rejection(client.call(1, 2, run, { signal: controller.signal }))).code).toBe('LARS_ABORTED');
    expect(picking).toHaveBeenCalledTimes(1);
    expect(run).not.toHaveBeenCalled();
  });

  test('has one deadline for pick and run', async () => {
    await using agent = await FakeAgent.start();
    let nowMs = 0;
    await using client = new LarsClient({ ports: agent.ports, timeoutMs: 500 }, { nowMs: () => nowMs });
    const picking = vi.spyOn(client, 'getHost').mockImplementation(async () => {
      nowMs += 280;
      return host;
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const called = rejection(client.call(1, 2, () => new Promise(() => {}), { timeoutMs: 300 }));
    await new Promise(setImmediate);
    expect(picking).toHaveBeenCalledWith(1, 2, expect.objectContaining({ timeoutMs: 300 }));
    vi.advanceTimersByTime(19);
    expect(client.stats().reports).toBe(0);
    vi.advanceTimersByTime(1);
    const error = await called;
    expect([error.code, error.message]).toEqual(['LARS_CALL_TIMEOUT', expect.stringContaining('took longer than 300 ms')]);
    await agent.until(() => agent.reports.length === 1);
    expect(agent.reports).toMatchObject([{ retcode: 1 }]);
  });

  test.each([
    ['the time limit of the client', { callTimeoutMs: 40 }, 40],
    ['30 s', {}, 30_000],
  ])('that says nothing of time has %s', async (_, options, limitMs) => {
    await using client = new LarsClient({ ...options, timeoutMs: 20 });
    vi.spyOn(client, 'tryGetHost').mockReturnValue(host);
    vi.spyOn(client, 'report').mockReturnValue();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let isOver = false;
    const called = rejection(client.call(1, 2, () => new Promise(() => {}))).finally(() => {
      isOver = true;
    });
    vi.advanceTimersByTime(limitMs - 5);
    await new Promise(setImmediate);
    expect(isOver).toBe(false);
    vi.advanceTimersByTime(5);
    const error = await called;
    expect(error.message).toContain(`took longer than ${limitMs} ms`);
    expect(client.report).toHaveBeenCalledWith(host, expect.objectContaining({ ok: false }));
  });

  test('that outlives close passes its result through and reports nothing', async () => {
    await using agent = await FakeAgent.start();
    const client = new LarsClient({ ports: agent.ports, timeoutMs: UNTIL_ANSWERED });
    expect(await client.call(1, 2, () => client.close().then(() => 5))).toBe(5);
    expect(client.stats()).toMatchObject({ reports: 1, dropped: 1 });
  });

  test.each<[unknown, unknown, string]>([
    [undefined, {}, 'run must be a function, not undefined'],
    [() => 0, { isFailure: true }, 'isFailure must be a function, not true'],
    [() => 0, { isFailureResult: 1 }, 'isFailureResult must be a function, not 1'],
    [() => 0, { timeoutMs: -1 }, 'timeoutMs must be'],
    [() => 0, { timeoutMS: 5 }, "options must not have 'timeoutMS': did you mean timeoutMs?"],
    [() => 0, null, 'options must be an object, not null'],
  ])('refuses %s with %j', async (run, options, message) => {
    await using client = new LarsClient();
    const error = await rejection(client.call(1, 2, run as never, options as never));
    expect([error.code, error.message]).toEqual(['LARS_BAD_ARGUMENT', expect.stringContaining(message)]);
  });
});
