import { encodeBody, encodeFrame, type HostInfo, MessageId } from '@lars/proto';
import { expect, test } from 'vitest';
import { RouteLog } from '../../../agent/src/dns/route-log.ts';
import { committedFrames, newRouteMemory, type RouteMemory, routeMemoryOf } from '../../../agent/src/dns/route-memory.ts';
import { hostInfos } from '../../support/agent-messages.ts';

const MAX_BYTES = 10_000_000;

interface Opened {
  readonly log: RouteLog;
  memory: RouteMemory;
  dropped: number;
}

function openLog(memory = newRouteMemory(0), maxBytes = MAX_BYTES): Opened {
  const opened: { log?: RouteLog; memory: RouteMemory; dropped: number } = { memory, dropped: 0 };
  opened.log = new RouteLog(memory, maxBytes, {
    onMoved: moved => {
      opened.memory = moved;
    },
    onDropped: routes => {
      opened.dropped += routes;
    },
  });
  return opened as Opened;
}

function route(modid: number, cmdid: number, host: readonly HostInfo[]) {
  return { modid, cmdid, host, version: 7, overload: false, notModified: false };
}

function bodyOf(modid: number, cmdid: number, host: readonly HostInfo[]): Uint8Array {
  return Uint8Array.from(encodeBody(MessageId.GetRouteResponse, route(modid, cmdid, host)));
}

function put({ log }: Opened, modid: number, cmdid: number, host: readonly HostInfo[]): void {
  log.put({ modid, cmdid }, bodyOf(modid, cmdid, host), host.length > 0);
}

test('what is read again from the memory are the newest routes, whatever was replaced or removed', () => {
  const opened = openLog();
  for (const modid of [1, -1, 2 ** 31 - 1, -(2 ** 31)]) for (const cmdid of [0, 5]) put(opened, modid, cmdid, hostInfos(2));
  put(opened, 1, 0, hostInfos(3));
  put(opened, -1, 5, []);
  const { log } = openLog(routeMemoryOf(committedFrames(opened.memory).slice()));
  expect(log.routeCount).toBe(7);
  expect(log.body({ modid: 1, cmdid: 0 })).toEqual(bodyOf(1, 0, hostInfos(3)));
  expect(log.body({ modid: -(2 ** 31), cmdid: 5 })).toEqual(bodyOf(-(2 ** 31), 5, hostInfos(2)));
  expect(log.has({ modid: -1, cmdid: 5 })).toBe(false);
});

test('a route that is told again, and a module that was not known and does not exist, add nothing', () => {
  const opened = openLog();
  put(opened, 1, 1, hostInfos(2));
  const { length } = committedFrames(opened.memory);
  put(opened, 1, 1, hostInfos(2));
  put(opened, 2, 1, []);
  expect(committedFrames(opened.memory).length).toBe(length);
});

test('the memory is bounded: replaced routes make room, and beyond the limit the oldest are dropped', () => {
  const opened = openLog(newRouteMemory(0), 100_000);
  for (let i = 0; i < 5_000; i++) put(opened, 1, 1, hostInfos(10 + (i % 2)));
  expect(opened.memory.byteLength).toBeLessThan(250_000);
  expect(opened.dropped).toBe(0);
  for (let modid = 0; modid < 5_000; modid++) put(opened, modid, 0, hostInfos(10));
  expect(opened.memory.byteLength).toBeLessThan(250_000);
  expect(opened.log.has({ modid: 4_999, cmdid: 0 })).toBe(true);
  expect(opened.log.has({ modid: 0, cmdid: 0 })).toBe(false);
  expect(opened.dropped).toBeGreaterThan(1_000);
});

test('bytes that are no frames end the log, and routes can be added behind them', () => {
  const frame = encodeFrame(MessageId.GetRouteResponse, route(1, 1, hostInfos(1)));
  const opened = openLog(routeMemoryOf(Uint8Array.from([...frame, 2, 0, 0, 0, 255, 255, 255, 127, 9, 9, 9])));
  expect(opened.log.routeCount).toBe(1);
  put(opened, 2, 2, hostInfos(1));
  expect(openLog(opened.memory).log.routeCount).toBe(2);
});

test('half a million hosts are read, moved and copied in about the time that it takes to add them, or less', () => {
  const opened = openLog(newRouteMemory(0), 64_000_000);
  const hosts = hostInfos(5);
  const begunMs = performance.now();
  for (let i = 0; i < 100_000; i++) put(opened, i, 1, hosts);
  const startMs = performance.now();
  const again = openLog(routeMemoryOf(committedFrames(opened.memory).slice()), 64_000_000);
  put(again, 1, 2, hosts);
  const tookMs = performance.now() - startMs;
  expect(again.log.routeCount).toBe(100_001);
  expect(tookMs).toBeLessThan(2 * (startMs - begunMs));
});
