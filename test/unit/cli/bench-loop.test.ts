import { decodeBody, decodeDatagram, encodeFrame, MessageId, ReturnCode } from '@lars/proto';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { framesOf } from '../../../cli/src/bench/get-host-frames.ts';
import { GetHostLoop, GetHostTally } from '../../../cli/src/bench/get-host-loop.ts';
import { Quota, type Stint } from '../../../cli/src/bench/load-result.ts';

const MODULES = [
  { modid: 1, cmdid: 1 },
  { modid: 1, cmdid: 4 },
];
const HOST = { ip: 0x0a000001, port: 80, weight: 0, addr: '', zone: '', drain: false };
const TIMEOUT_MS = 100;

interface Asked {
  readonly seq: number;
  readonly modid: number;
  readonly cmdid: number;
}

/** A loop and the other end of its socket. */
class World {
  readonly tally = new GetHostTally();
  readonly quota: Quota;
  readonly loop: GetHostLoop;
  readonly #sent: Uint8Array[] = [];

  constructor(window: number, stint: Stint = { seconds: 1 }, reports = false) {
    const bytes = new Uint8Array(1_000);
    const sink = { bytes, outgoingStart: () => 5, commit: (length: number) => void this.#sent.push(bytes.slice(5, 5 + length)) };
    this.quota = new Quota(stint);
    const options = { window, modules: MODULES.map(framesOf), reports, answerTimeoutMs: TIMEOUT_MS, quota: this.quota };
    this.loop = new GetHostLoop(options, sink, this.tally);
  }

  /** What was sent since the last call. */
  sent(): { readonly requests: Asked[]; readonly reports: { readonly modid: number; readonly cmdid: number }[] } {
    const frames = this.#sent.splice(0).map(decodeDatagram);
    const requests = frames.filter(({ id }) => id === MessageId.GetHostRequest);
    const reports = frames.filter(({ id }) => id === MessageId.ReportRequest);
    return {
      requests: requests.map(({ body }) => decodeBody(MessageId.GetHostRequest, body)),
      reports: reports.map(({ body }) => decodeBody(MessageId.ReportRequest, body)),
    };
  }

  answer({ seq, modid, cmdid }: Asked, nowMs: number, retcode: ReturnCode = ReturnCode.Success): void {
    const host = retcode === ReturnCode.Success ? HOST : undefined;
    const datagram = encodeFrame(MessageId.GetHostResponse, { seq, modid, cmdid, retcode, host });
    this.loop.onDatagram(datagram, 0, datagram.length, nowMs);
  }
}

describe('a closed loop', () => {
  let world: World;
  beforeEach(() => {
    world = new World(3);
    world.loop.begin(1_000);
  });

  test('begins with its window, one module after the other', () => {
    const { requests } = world.sent();
    expect(requests.map(({ cmdid }) => cmdid)).toStrictEqual([1, 4, 1]);
    expect(new Set(requests.map(({ seq }) => seq)).size).toBe(3);
    expect(world.loop.inFlight).toBe(3);
  });

  test('asks once for each answer, and knows how long it took', () => {
    const [, second] = world.sent().requests as [Asked, Asked];
    world.answer(second, 1_007);
    expect(world.sent().requests).toHaveLength(1);
    expect(world.loop.inFlight).toBe(3);
    expect(world.tally.answered).toBe(1);
    expect(world.tally.latency.quantile(1)).toBeCloseTo(7, 0);
  });

  test('takes an answer once', () => {
    const [first] = world.sent().requests as [Asked];
    world.answer(first, 1_001);
    world.answer(first, 1_002);
    expect(world.tally).toMatchObject({ answered: 1, late: 1 });
  });

  test('gives up what has waited too long and asks anew; its answer comes late, and is that of no other request', () => {
    const [first, second] = world.sent().requests as [Asked, Asked];
    world.answer(second, 1_050);
    world.sent();
    world.loop.onTick(1_000 + TIMEOUT_MS);
    expect(world.tally.lost).toBe(2);
    expect(world.sent().requests).toHaveLength(2);
    world.answer(first, 1_101);
    expect(world.tally).toMatchObject({ answered: 1, late: 1, lost: 2 });
    expect(world.loop.inFlight).toBe(3);
  });

  test('tells answers without a host apart', () => {
    const [first, second, third] = world.sent().requests as [Asked, Asked, Asked];
    world.answer(first, 1_001, ReturnCode.Overload);
    world.answer(second, 1_001, ReturnCode.NoExist);
    world.answer(third, 1_001, ReturnCode.SystemError);
    expect(world.tally).toMatchObject({ answered: 3, overloaded: 1, hostless: 2 });
  });

  test('counts what is no answer', () => {
    world.loop.onDatagram(Uint8Array.of(1, 2, 3), 0, 3, 1_001);
    world.answer({ seq: 1, modid: 1, cmdid: 1 }, 1_001);
    expect(world.tally).toMatchObject({ answered: 0, odd: 1, late: 1 });
  });

  test('can be ended, with requests in flight', () => {
    const { requests } = world.sent();
    world.quota.close();
    for (const request of requests) world.answer(request, 1_001);
    expect(world.sent().requests).toStrictEqual([]);
    expect(world.loop.inFlight).toBe(0);
    expect(world.tally.answered).toBe(3);
  });
});

test('every answer with a host is followed by a report of its module, and no other one', () => {
  const world = new World(2, { seconds: 1 }, true);
  world.loop.begin(0);
  const [first, second] = world.sent().requests as [Asked, Asked];
  world.answer(second, 1);
  expect(world.sent().reports).toMatchObject([{ modid: 1, cmdid: 4, host: HOST }]);
  world.answer(first, 1, ReturnCode.Overload);
  expect(world.sent().reports).toStrictEqual([]);
  expect(world.tally.reports).toBe(1);
});

test('an echo gets a report as long as the one to an agent', () => {
  const world = new World(1, { seconds: 1 }, true);
  world.loop.begin(0);
  const [asked] = world.sent().requests as [Asked];
  const echoed = encodeFrame(MessageId.GetHostRequest, { ...asked, features: 0, purpose: 0 });
  world.loop.onDatagram(echoed, 0, echoed.length, 1);
  expect(world.sent().reports).toMatchObject([{ modid: 1, cmdid: 1, host: { ip: HOST.ip } }]);
  expect(world.tally).toMatchObject({ answered: 1, hostless: 0 });
});

test('whatever is answered, lost or late: requests, answers and losses add up, and the quota is kept', () => {
  const deeds = fc.array(fc.record({ deed: fc.constantFrom('answer', 'late', 'tick'), pick: fc.nat(50) }), { maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 60 }), deeds, (window, requests, steps) => {
      const world = new World(window, { requests });
      let nowMs = 0;
      world.loop.begin(nowMs);
      const all = world.sent().requests;
      for (const { deed, pick } of steps) {
        nowMs += 20;
        const asked = all[deed === 'late' ? pick % 5 : all.length - 1 - (pick % window)];
        if (deed === 'tick') world.loop.onTick(nowMs);
        else if (asked !== undefined) world.answer(asked, nowMs);
        all.push(...world.sent().requests);
        expect(world.loop.inFlight).toBeLessThanOrEqual(window);
        expect(world.tally.answered + world.tally.lost + world.loop.inFlight).toBe(all.length);
        expect(all.length).toBeLessThanOrEqual(requests);
      }
    }),
  );
});
