import { HEADER_BYTES, INT32_MAX, INT32_MIN, MAX_BODY_BYTES, MessageId, ReturnCode, writeHeader } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import type { ShardCounter } from '../../../agent/src/counters.ts';
import { batchFrame, getHostFrame, getRouteFrame, hostInfo, hostInfos, reportFrame } from '../../support/agent-messages.ts';
import { ShardWorld } from './shard-world.ts';

const REQUESTS = {
  getHost: getHostFrame({ seq: 1, modid: 3 }),
  getRoute: getRouteFrame({ modid: 3 }),
  report: reportFrame({ modid: 3, host: hostInfo(1), retcode: 1 }),
  batch: batchFrame({ modid: 3, results: [{ ...hostInfo(1), succ: 1 }] }),
} as const;
const WELL_FORMED = Object.entries(REQUESTS);

/** A frame around a body that may be anything. */
function framed(id: number, body: readonly number[], bodyBytes = body.length): Uint8Array {
  const datagram = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(datagram, 0, id, bodyBytes);
  datagram.set(body, HEADER_BYTES);
  return datagram;
}

/** Dropped, counted under this reason and no other, never logged, no one else is bothered. */
function expectDropped(datagram: Uint8Array, reason: ShardCounter): void {
  const world = new ShardWorld();
  world.send(0, datagram);
  expect(world.counted()).toEqual({ [reason]: 1 });
  expect([world.answers, world.messages, world.fetches, world.reports, world.logged]).toEqual([[], [], [], [], []]);
  expect(world.shardAt(0).modules.parkedCount).toBe(0);
}

describe('a datagram whose length is wrong', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])('of %i bytes, shorter than a head', length => {
    expectDropped(REQUESTS.getHost.slice(0, length), 'badLength');
  });

  test.each([-1, 1, -5, 2 ** 8, 2 ** 16, -(2 ** 31)])('which its head gets wrong by %i', difference => {
    for (const [, request] of WELL_FORMED) {
      const datagram = request.slice();
      writeHeader(datagram, 0, MessageId.GetHostRequest, request.length - HEADER_BYTES + difference);
      expectDropped(datagram, 'badLength');
    }
  });

  test.each(WELL_FORMED)('a %s that lost its last byte, or got one too many', (_, request) => {
    expectDropped(request.slice(0, -1), 'badLength');
    expectDropped(new Uint8Array([...request, 0]), 'badLength');
  });
});

describe('a message id that business code does not send', () => {
  const spoken: readonly number[] = [4, 6, 7, 102];
  const ids = [...Array(120).keys(), -1, -4, 256 + 4, 65_536 + 4, 2 ** 24 + 4, INT32_MAX, INT32_MIN];
  test.each(ids.filter(id => !spoken.includes(id)))('%i', id => {
    expectDropped(framed(id, []), 'badMessageId');
    expectDropped(framed(id, [8, 1, 16, 1]), 'badMessageId');
  });
});

describe('a body that does not parse', () => {
  const bodies: [string, number[]][] = [
    ['ends within a number', [8, 0x80]],
    ['ends after a tag', [8]],
    ['has a number of more than ten bytes', [8, ...Array(11).fill(0xff), 1]],
    ['has the field number 0', [0, 0]],
    ['has a wire type that does not exist', [0x0e, 1]],
    ['has a field that reaches beyond its end', [0x62, 100, 1, 2, 3]],
    ['has a field that claims 4 GB', [0x62, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]],
    ['has a group that is not closed', [0x63, 8, 1]],
    ['has a group that is closed but was not opened', [0x64]],
    ['has groups in groups, ten thousand deep', Array(10_000).fill(0x63)],
  ];
  const ids = [MessageId.GetHostRequest, MessageId.ReportRequest, MessageId.ApiGetRouteRequest, MessageId.BatchReportRequest];
  test.each(bodies)('%s', (_, body) => {
    for (const id of ids) expectDropped(framed(id, body), 'badBody');
  });

  test('has a host that reaches beyond its end', () => {
    expectDropped(framed(MessageId.ReportRequest, [0x1a, 5, 8, 1]), 'badBody');
    expectDropped(framed(MessageId.BatchReportRequest, [0x1a, 5, 8, 1]), 'badBody');
  });

  test('has a name that is no UTF-8', () => {
    expectDropped(framed(MessageId.ReportRequest, [0x1a, 4, 0x22, 2, 0xc3, 0x28]), 'badBody');
  });
});

describe('well-formed, though odd', () => {
  test('an empty body asks for module 0/0', () => {
    const world = new ShardWorld();
    world.route(0, 0, hostInfos(1));
    world.send(0, framed(MessageId.GetHostRequest, []));
    expect(world.takeGetHostAnswers()).toEqual([{ seq: 0, modid: 0, cmdid: 0, retcode: ReturnCode.Success, host: hostInfo(1) }]);
  });

  test('fields that nobody knows are passed over, up to the largest body', () => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(1));
    const known = [8, 9, 16, 3];
    const unknown = Array.from({ length: 13_000 }, () => [0xfa, 0x01, 2, 1, 2]).flat();
    world.send(0, framed(MessageId.GetHostRequest, [...known, ...unknown]));
    expect(known.length + unknown.length).toBeLessThan(MAX_BODY_BYTES);
    expect(world.takeGetHostAnswers()).toMatchObject([{ seq: 9, modid: 3, retcode: ReturnCode.Success }]);
  });

  test.each(WELL_FORMED)('a %s that comes twice is taken twice', (_, request) => {
    const world = new ShardWorld();
    world.route(3, 0, hostInfos(1));
    const once = () => {
      world.send(0, request);
      return world.answers.length + world.count('reportedCalls');
    };
    expect([once(), once()]).toEqual([1, 2]);
  });
});
