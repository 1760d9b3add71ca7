/** The agent's file: what is read of it, when, and what becomes of one that is of no use. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { encodeBody, encodeFrame, HEADER_BYTES, INT32_MAX, INT32_MIN, MessageId, writeHeader } from '@lars/proto';
import { encodeCheckedFile } from '@lars/proto/checked-file';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CacheDriver } from '../../../client-sdk/src/cache/driver.ts';
import { Fallback } from '../../../client-sdk/src/fallback.ts';
import { LarsClient } from '../../../client-sdk/src/index.ts';
import { AGENT_ROUTES, readAgentRoutes } from '../../../client-sdk/src/routes-file/agent-routes.ts';
import { RoutesFile } from '../../../client-sdk/src/routes-file/routes-file.ts';
import { newCounters } from '../../../client-sdk/src/stats.ts';
import { encodeAgentRoutes, type FileRoute, writeAgentRoutes } from '../../support/agent-routes-file.ts';
import { hostInfos } from './cache-world.ts';
import { FakeAgent, HOST, refusingPorts } from './fake-agent.ts';
import { rejection } from './rejection.ts';

let folder: string;
let nowMs: number;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-routes-'));
  nowMs = 0;
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const file = () => path.join(folder, 'agent-routes');
const route = (modid: number, cmdid: number, hosts = 3): FileRoute => ({ modid, cmdid, version: 7, host: hostInfos(hosts) });
const response = (modid: number, cmdid: number) => ({ ...route(modid, cmdid), overload: false, notModified: false });
/** The field modid once more. */
const MODID_5 = Uint8Array.of(0x08, 5);
const open = () => new RoutesFile(file(), () => nowMs);

describe('the agent`s file', () => {
  test('has the route of each of its modules', () => {
    const int32 = fc.integer({ min: INT32_MIN, max: INT32_MAX });
    const modules = fc.uniqueArray(
      fc.record({ modid: fc.oneof(int32, fc.constant(0)), cmdid: fc.oneof(int32, fc.constant(0)) }),
      {
        selector: ({ modid, cmdid }) => `${modid}/${cmdid}`,
        maxLength: 20,
      },
    );
    fc.assert(
      fc.property(modules, all => {
        const routes = readAgentRoutes(encodeAgentRoutes(all.map(({ modid, cmdid }, at) => route(modid, cmdid, at))), crc32);
        if (typeof routes === 'string') throw new Error(routes);
        for (const [at, { modid, cmdid }] of all.entries())
          expect(routes.find(modid, cmdid)).toMatchObject({ modid, cmdid, version: 7, host: hostInfos(at) });
      }),
    );
  });

  test.each<[string, (good: Uint8Array) => Uint8Array, string]>([
    ['torn', good => good.subarray(0, good.length - 1), 'is torn'],
    ['empty', () => new Uint8Array(), 'is empty'],
    ['foreign', () => Buffer.from('something else\n'), 'was not written by LARS'],
    [
      'newer',
      () => encodeAgentRoutes([route(1, 2)], { name: 'agent-routes', version: 2 }),
      'is of format 2, which is newer than this program',
    ],
    ['of another kind', () => encodeAgentRoutes([], { name: 'journal', version: 1 }), 'is another kind of file: journal'],
    ['cut within a route', () => encodeCheckedFile(AGENT_ROUTES, new Uint8Array(5), 0, crc32), 'is torn: it ends within a route'],
    [
      'of bad frames',
      () => encodeCheckedFile(AGENT_ROUTES, new Uint8Array(9).fill(255), 0, crc32),
      'is damaged: a header announces',
    ],
    [
      'of other messages',
      () =>
        encodeCheckedFile(
          AGENT_ROUTES,
          encodeFrame(MessageId.GetRouteRequest, { modid: 1, cmdid: 2, version: 0, features: 0 }),
          0,
          crc32,
        ),
      'has a message in it that is no route, with id 1',
    ],
  ])('that is %s is of no use, which is said once, and thrown never', async (_, spoil, why) => {
    const routes = open();
    writeFileSync(file(), spoil(encodeAgentRoutes([route(1, 2)])));
    for (let looks = 0; looks < 3; looks++) {
      expect(await routes.find(1, 2)).toBeUndefined();
      nowMs += 1_000;
    }
    expect([routes.errors, routes.problem]).toEqual([1, expect.stringContaining(`${file()} ${why}`)]);
    writeAgentRoutes(file(), [route(1, 2)]);
    expect((await routes.find(1, 2))?.host).toHaveLength(3);
    expect([routes.errors, routes.problem]).toEqual([1, undefined]);
    routes.close();
  });

  test('that names a module twice in one route gives that route to neither', async () => {
    const body = Buffer.concat([encodeBody(MessageId.GetRouteResponse, response(1, 2)), MODID_5]);
    const frame = new Uint8Array(HEADER_BYTES + body.length);
    writeHeader(frame, 0, MessageId.GetRouteResponse, body.length);
    frame.set(body, HEADER_BYTES);
    writeFileSync(file(), encodeCheckedFile(AGENT_ROUTES, frame, 0, crc32));
    const routes = open();
    expect([await routes.find(1, 2), await routes.find(5, 2), routes.errors]).toEqual([undefined, undefined, 0]);
    routes.close();
  });

  test('is forgotten when no route was asked for a minute, and read again when one is', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    writeAgentRoutes(file(), [route(1, 2)]);
    const routes = open();
    expect((await routes.find(1, 2))?.host).toHaveLength(3);
    vi.advanceTimersByTime(59_999);
    expect((await routes.find(1, 2))?.host).toHaveLength(3);
    vi.advanceTimersByTime(1);
    expect(await routes.find(1, 2)).toBeUndefined();
    nowMs += 1_000;
    expect((await routes.find(1, 2))?.host).toHaveLength(3);
    routes.close();
  });

  test('that is not there is said once; a folder in its place too', async () => {
    const routes = open();
    for (let looks = 0; looks < 2; looks++) {
      expect(await routes.find(1, 2)).toBeUndefined();
      nowMs += 1_000;
    }
    expect([routes.errors, routes.problem]).toEqual([1, expect.stringContaining('cannot be read: ENOENT')]);
    const other = new RoutesFile(folder, () => nowMs);
    expect(await other.find(1, 2)).toBeUndefined();
    expect(other.problem).toContain('cannot be read: EISDIR');
    routes.close();
    other.close();
  });

  test('is looked at once a second, and what was read before stays when it is spoilt', async () => {
    writeAgentRoutes(file(), [route(1, 2)]);
    const routes = open();
    expect((await routes.find(1, 2))?.host).toHaveLength(3);
    writeAgentRoutes(`${file()}.new`, [route(1, 2, 5)]);
    renameSync(`${file()}.new`, file());
    nowMs += 999;
    expect((await routes.find(1, 2))?.host).toHaveLength(3);
    nowMs += 1;
    expect((await routes.find(1, 2))?.host).toHaveLength(5);
    writeFileSync(file(), 'spoilt');
    nowMs += 1_000;
    expect((await routes.find(1, 2))?.host).toHaveLength(5);
    expect(routes.errors).toBe(1);
    routes.close();
  });

  // A pipe that nobody writes to hangs as a disk does that has gone.
  test.runIf(process.platform === 'linux')('on a disk that hangs keeps no request from its end', async () => {
    execFileSync('mkfifo', [file()]);
    await using refusing = await refusingPorts();
    await using client = new LarsClient({ ports: refusing.ports, routesFile: file() });
    try {
      expect((await rejection(client.getHost(1, 2))).code).toBe('LARS_AGENT_UNREACHABLE');
    } finally {
      closeSync(openSync(file(), 'w'));
    }
  });
});

test('a route that came while the file was read is not replaced by the older one of the file', async () => {
  writeAgentRoutes(file(), [route(1, 2)]);
  const channelOf = () => {
    throw new Error('nobody is asked');
  };
  const deps = { nowMs: () => nowMs, random: () => 0, channelOf, counters: newCounters(), cache: true, fallback: true, zone: '' };
  const driver = new CacheDriver(deps);
  const fallback = new Fallback(driver, file(), () => nowMs);
  const picked = fallback.pick(1, 2);
  const newer = { ...response(1, 2), host: [{ ...HOST, port: 80 }] };
  driver.cache.onForeignRoute(newer, nowMs);
  expect((await picked)?.port).toBe(80);
  fallback.close();
  driver.close();
});

describe('a client that starts while no agent runs', () => {
  test('picks from the file, for modules that it has not called before', async () => {
    await using refusing = await refusingPorts();
    writeAgentRoutes(file(), [route(1, 2)]);
    await using client = new LarsClient({ ports: refusing.ports, routesFile: file() });
    const hosts = await Promise.all(Array.from({ length: 100 }, () => client.getHost(1, 2)));
    expect(new Set(hosts.map(({ port }) => port))).toEqual(new Set([1, 2, 3]));
    const error = await rejection(client.getHost(4, 2));
    expect(error.code).toBe('LARS_AGENT_UNREACHABLE');
    expect(client.stats()).toMatchObject({ fallbackPicks: 100, agentAway: true, routesFileErrors: 0 });
  });

  test('without the file, without a route in it, or without a fallback is refused', async () => {
    await using refusing = await refusingPorts();
    writeFileSync(file(), 'spoilt');
    for (const options of [{}, { routesFile: file() }, { fallback: false }]) {
      await using client = new LarsClient({ ports: refusing.ports, ...options });
      for (let i = 0; i < 2; i++) expect((await rejection(client.getHost(1, 2))).code).toBe('LARS_AGENT_UNREACHABLE');
      expect(client.stats().routesFileErrors).toBe('routesFile' in options ? 1 : 0);
    }
  });

  test('picks from the file too where the agent hangs, and asks the agent again when it goes on', async () => {
    await using agent = await FakeAgent.start();
    const { onHost, onRoute } = agent;
    agent.onHost = () => {};
    agent.onRoute = () => {};
    writeAgentRoutes(file(), [route(1, 2)]);
    await using client = new LarsClient({ ports: agent.ports, routesFile: file(), timeoutMs: 10_000 });
    expect((await client.getHost(1, 2)).port).toBeLessThanOrEqual(3);
    agent.onHost = onHost;
    agent.onRoute = onRoute;
    await expect.poll(() => client.stats().agentAway).toBe(false);
    await expect.poll(async () => (await client.getHost(1, 2)).port).toBe(80);
  });
});
