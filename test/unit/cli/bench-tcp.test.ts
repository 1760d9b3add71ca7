import { decodeBody, encodeFrame, FrameDecoder, MessageId, parseIpv4, type ReportStatusRequest } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameLane, type LaneScript } from '../../../cli/src/bench/frame-lane.ts';
import { LatencyHistogram } from '../../../cli/src/bench/latency-histogram.ts';
import { Quota, type Stint } from '../../../cli/src/bench/load-result.ts';
import { ReportScript } from '../../../cli/src/bench/report-script.ts';
import { RouteRequests, RouteScript } from '../../../cli/src/bench/route-script.ts';

const ACK = encodeFrame(MessageId.ReportStatusAck, { agent: 'a', seq: 1 });
const PUSH = encodeFrame(MessageId.ReportStatusAck, { agent: 'push', seq: 1 });

/** A script whose requests are bytes; every acknowledgement answers one, a push none. */
const counting: LaneScript = {
  requests: count => new Uint8Array(count),
  onFrame: (_id, body) => (decodeBody(MessageId.ReportStatusAck, body).agent === 'push' ? 0 : 1),
};

function laneOf(window: number, stint: Stint = { seconds: 1 }) {
  const latency = new LatencyHistogram();
  const written: number[] = [];
  const quota = new Quota(stint);
  const write = (bytes: Uint8Array) => void written.push(bytes.length);
  return { lane: new FrameLane(counting, { window, quota, latency, write }), latency, written, quota };
}

const chunkOf = (...frames: readonly Uint8Array[]) => Buffer.concat(frames);

describe('the lane of a connection', () => {
  test('writes its window at once, and as many requests as answers came together', () => {
    const { lane, written } = laneOf(4);
    lane.begin(0);
    lane.onChunk(chunkOf(ACK, ACK), 1);
    lane.onChunk(ACK.subarray(0, 5), 2);
    lane.onChunk(ACK.subarray(5), 3);
    expect(written).toStrictEqual([4, 2, 1]);
    expect([lane.answered, lane.inFlight, lane.lastAnswerMs]).toStrictEqual([3, 4, 3]);
  });

  test('takes answers for the oldest requests', () => {
    const { lane, latency } = laneOf(2);
    lane.begin(0);
    lane.onChunk(ACK, 10);
    lane.onChunk(chunkOf(ACK, ACK), 15);
    expect(latency.count).toBe(3);
    // 10 and 15 since the beginning, 5 since the first answer.
    expect([0.3, 0.6, 1].map(share => Math.round(latency.quantile(share)))).toStrictEqual([5, 10, 15]);
  });

  test('takes no push for an answer, and no answer for two', () => {
    const { lane, written } = laneOf(1);
    lane.begin(0);
    lane.onChunk(chunkOf(PUSH, PUSH), 1);
    expect(lane.answered).toBe(0);
    lane.onChunk(chunkOf(ACK, ACK), 2);
    expect(lane.answered).toBe(1);
    expect(written).toStrictEqual([1, 1]);
  });

  test('keeps to the quota, and ends with what is under way', () => {
    const { lane, written } = laneOf(4, { requests: 5 });
    lane.begin(0);
    lane.onChunk(chunkOf(ACK, ACK, ACK), 1);
    lane.onChunk(chunkOf(ACK, ACK), 2);
    expect(written).toStrictEqual([4, 1]);
    expect([lane.answered, lane.inFlight]).toStrictEqual([5, 0]);
  });
});

const modules = fc.uniqueArray(
  fc.record({ modid: fc.integer({ min: -9, max: 1e9 }), cmdid: fc.nat(300) }, { noNullPrototype: true }),
  { minLength: 1, maxLength: 7, selector: ({ modid, cmdid }) => `${modid}/${cmdid}` },
);

test('requests for routes go round all modules, whatever their number and the window', () => {
  fc.assert(
    fc.property(modules, fc.integer({ min: 1, max: 9 }), fc.nat(9), fc.array(fc.nat(8)), (ids, window, first, counts) => {
      const script = new RouteScript(new RouteRequests(ids, window), first, () => undefined);
      const asked: unknown[] = [];
      const decoder = new FrameDecoder();
      for (const count of counts) {
        decoder.push(script.requests(1 + (count % window)), (id, body) => {
          expect(id).toBe(MessageId.GetRouteRequest);
          asked.push(decodeBody(MessageId.GetRouteRequest, body));
        });
      }
      expect(asked).toHaveLength(counts.reduce((sum, count) => sum + 1 + (count % window), 0));
      expect(asked).toStrictEqual(asked.map((_, at) => ({ ...ids[(first + at) % ids.length], version: 0, features: 0 })));
    }),
  );
});

test('the first route that is answered tells how many hosts it has', () => {
  const seen: number[] = [];
  const script = new RouteScript(new RouteRequests([{ modid: 1, cmdid: 1 }], 1), 0, hosts => seen.push(hosts));
  const host = { ip: 1, port: 80, weight: 0, addr: '', zone: '', drain: false };
  const answer = { modid: 1, cmdid: 1, version: 1, overload: false, notModified: false };
  const onAnswer = (hosts: number) => {
    const frame = encodeFrame(MessageId.GetRouteResponse, { ...answer, host: Array.from({ length: hosts }, () => host) });
    return script.onFrame(MessageId.GetRouteResponse, frame.subarray(8));
  };
  expect([onAnswer(3), onAnswer(0)]).toStrictEqual([1, 1]);
  expect(script.onFrame(MessageId.ReportStatusAck, ACK.subarray(8))).toBe(0);
  expect(seen).toStrictEqual([3]);
});

describe('reports', () => {
  const ids = [
    { modid: 1, cmdid: 1 },
    { modid: 300, cmdid: -1 },
  ];
  const script = () => new ReportScript({ agent: 'me', caller: 7, ts: 1_700_000_000, modules: ids, hosts: 2 });
  const read = (bytes: Uint8Array) => {
    const reports: ReportStatusRequest[] = [];
    new FrameDecoder().push(bytes, (id, body) => {
      expect(id).toBe(MessageId.ReportStatusRequest);
      reports.push(decodeBody(MessageId.ReportStatusRequest, body));
    });
    return reports;
  };

  test('are numbered from 1 without a gap, of one module after the other, about different hosts', () => {
    const one = script();
    const reports = [...read(one.requests(300)), ...read(one.requests(20_000))];
    expect(reports.map(({ seq }) => seq)).toStrictEqual(reports.map((_, at) => at + 1));
    expect(reports.every(({ modid }, at) => modid === ids[at % 2]?.modid)).toBe(true);
    expect(reports.at(-1)).toMatchObject({ agent: 'me', caller: 7, ts: 1_700_000_000, modid: 300, cmdid: -1 });
    expect(reports[0]?.results.map(({ ip }) => ip)).toStrictEqual(['10.0.0.1', '10.0.0.2'].map(parseIpv4));
  });

  test('are answered by an acknowledgement of a later one, and only once', () => {
    const one = script();
    one.requests(10);
    const ack = (seq: number) =>
      one.onFrame(MessageId.ReportStatusAck, encodeFrame(MessageId.ReportStatusAck, { agent: 'me', seq }).subarray(8));
    expect([ack(4), ack(4), ack(2), ack(9), ack(99)]).toStrictEqual([4, 0, 0, 5, 1]);
    expect(one.onFrame(MessageId.GetRouteResponse, new Uint8Array(0))).toBe(0);
  });
});
