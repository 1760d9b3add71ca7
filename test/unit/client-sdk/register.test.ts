import { describe, expect, test } from 'vitest';
import { LarsError, LarsHost } from '../../../client-sdk/src/index.ts';
import { waitForRoute } from '../../../client-sdk/src/register.ts';
import type { Route } from '../../../client-sdk/src/route.ts';
import { HOST } from './fake-agent.ts';
import { rejection } from './rejection.ts';

const context = { modid: 1, cmdid: 2, agent: '127.0.0.1:8888' };
const routeOf = (hosts: readonly LarsHost[]): Route => ({ modid: 1, cmdid: 2, hosts, overload: false, version: 1 });
const there = routeOf([new LarsHost(1, 2, HOST)]);
const unknown = routeOf([]);
const failure = (code: LarsError['code']) => new LarsError(code, code);

/** Waits in virtual time. The last of the outcomes is repeated for ever; every query takes 1 ms. */
function wait(outcomes: readonly (Route | Error)[], timeoutMs: number, random = 1) {
  let nowMs = 1_000;
  const pauses: number[] = [];
  const left: number[] = [];
  const route = waitForRoute(context, timeoutMs, {
    nowMs: () => nowMs,
    random: () => random,
    getRoute: async leftMs => {
      left.push(leftMs);
      nowMs += 1;
      const outcome = outcomes[Math.min(left.length, outcomes.length) - 1] as Route | Error;
      if (outcome instanceof Error) throw outcome;
      return outcome;
    },
    pause: async ms => {
      pauses.push(ms);
      nowMs += ms;
    },
  });
  return { route, pauses, left };
}

describe('register', () => {
  test('takes a route that is there at once', async () => {
    const { route, pauses } = wait([there], 1_000);
    expect(await route).toBe(there);
    expect(pauses).toEqual([]);
  });

  test('asks again after pauses that grow to a second', async () => {
    const { route, pauses } = wait([...Array(7).fill(unknown), there], 10_000);
    expect(await route).toBe(there);
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
  });

  test('pauses lie between half of that and all of it', async () => {
    const { route, pauses } = wait([unknown, unknown, unknown, there], 10_000, 0);
    await route;
    expect(pauses).toEqual([25, 50, 100]);
  });

  test.each(['LARS_AGENT_SILENT', 'LARS_AGENT_UNREACHABLE', 'LARS_SYSTEM_ERROR', 'LARS_TOO_MANY_PENDING'] as const)(
    '%s passes: it asks again',
    async code => {
      expect(await wait([failure(code), there], 1_000).route).toBe(there);
    },
  );

  test.each([failure('LARS_CLOSED'), failure('LARS_ABORTED'), new TypeError('a bug')])(
    '%s ends it at once, unchanged',
    async error => {
      const { route, left } = wait([error], 1_000);
      await expect(route).rejects.toBe(error);
      expect(left).toHaveLength(1);
    },
  );

  test('keeps its deadline, also in the last pause and in the last query', async () => {
    const { route, pauses, left } = wait([unknown], 400);
    const error = await rejection(route);
    expect(error).toMatchObject({ code: 'LARS_NO_ROUTE', modid: 1, cmdid: 2, cause: { code: 'LARS_NO_EXIST' } });
    expect(error.message).toContain('module 1/2: agent 127.0.0.1:8888 had no route within 400 ms');
    expect(pauses).toEqual([50, 100, 200, 46]);
    expect(left).toEqual([400, 349, 248, 47]);
  });

  test('names the last failure as the cause', async () => {
    const refused = failure('LARS_AGENT_UNREACHABLE');
    expect((await rejection(wait([unknown, refused], 200).route)).cause).toBe(refused);
  });
});
