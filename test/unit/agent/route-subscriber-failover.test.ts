/** The agent's conversation with several dnsservers, of which one is asked at a time. */
import { decodeBody, encodeBody, FrameDecoder, type GetRouteRequest, type GetRouteResponse, MessageId } from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { dnsCounters } from '../../../agent/src/counters.ts';
import { RouteSubscriber } from '../../../agent/src/dns/route-subscriber.ts';
import { hostInfos } from '../../support/agent-messages.ts';

const DOUBT_MS = 15_000;
const [A, B] = [0, 1];

class Line {
  /** The ports of each module's hosts, as the agent has them; empty: the module is gone. */
  readonly routes = new Map<number, readonly number[]>();
  readonly subscriber: RouteSubscriber;
  nowMs = 1_000;
  #asked: GetRouteRequest[] = [];

  constructor(servers = 2) {
    const options = { servers, doubtMs: DOUBT_MS, maxOpen: 100, maxAbsent: 100, minLinkMs: 10_000, answerTimeoutMs: 5_000 };
    this.subscriber = new RouteSubscriber(options, {
      counters: new SharedCounters(dnsCounters),
      send: frame => {
        this.#asked.push(...requestsIn(frame));
        return true;
      },
      isStored: () => false,
      onResponse: () => undefined,
      onRoute: ({ modid, host }) =>
        this.routes.set(
          modid,
          host.map(({ port }) => port),
        ),
    });
  }

  /** The modules that were asked for, with the version that was told. */
  asked(): Record<number, number> {
    return Object.fromEntries(this.#asked.splice(0).map(({ modid, version }) => [modid, version]));
  }

  up(server: number): void {
    this.subscriber.onLinkUp(this.nowMs, server);
  }

  query(modid: number, version = 0): void {
    this.subscriber.query({ modid, cmdid: 0, version }, this.nowMs);
  }

  answer(
    server: number,
    modid: number,
    version: number,
    ports: readonly number[],
    details: Partial<GetRouteResponse> = {},
  ): void {
    const host = ports.flatMap(port => hostInfos(1).map(info => ({ ...info, port })));
    const response = { modid, cmdid: 0, host, version, overload: false, notModified: false, ...details };
    const body = encodeBody(MessageId.GetRouteResponse, response);
    this.subscriber.onFrame(MessageId.GetRouteResponse, body, server);
    // The bytes are the connection's, which uses them again.
    body.fill(0);
  }

  later(ms: number): void {
    this.nowMs += ms;
    this.subscriber.checkDoubted(this.nowMs);
  }
}

function requestsIn(frame: Uint8Array): GetRouteRequest[] {
  const requests: GetRouteRequest[] = [];
  new FrameDecoder().push(frame, (_, body) => requests.push(decodeBody(MessageId.GetRouteRequest, body)));
  return requests;
}

/** An agent that knows module 1 with host 11 and module 2 with host 21 from A, in version 50. */
function knowing(): Line {
  const line = new Line();
  line.up(A);
  for (const modid of [1, 2]) {
    line.query(modid);
    line.answer(A, modid, 50, [modid * 10 + 1]);
  }
  line.asked();
  return line;
}

describe('a version means something to the server alone that told it', () => {
  test('another server is asked for the whole route', () => {
    const line = knowing();
    line.subscriber.onLinkDown();
    line.up(B);
    expect(line.asked()).toEqual({ 1: 0, 2: 0 });
  });

  test('the same server is asked whether the version has changed, also after its connection was lost', () => {
    const line = knowing();
    line.subscriber.onLinkDown();
    line.up(A);
    expect(line.asked()).toEqual({ 1: 50, 2: 50 });
  });

  test('also where a shard asks with it, and until the other server has told its own', () => {
    const line = knowing();
    line.up(B);
    line.answer(B, 1, 7, [12]);
    line.asked();
    line.query(1, 7);
    expect(line.asked()).toEqual({ 1: 7 });
    line.answer(B, 1, 7, [], { notModified: true });
    line.up(A);
    expect(line.asked()).toEqual({ 1: 0, 2: 50 });
  });

  test('of a shard whose route is of an unknown server, as this thread is new, no version is told; a single server is told it', () => {
    for (const [servers, version] of [
      [2, 0],
      [1, 50],
    ] as const) {
      const line = new Line(servers);
      line.up(0);
      line.query(1, 50);
      expect(line.asked()).toEqual({ 1: version });
    }
  });
});

describe('after a failover', () => {
  test('the agent has what the other server tells, be its versions lower', () => {
    const line = knowing();
    line.up(B);
    line.answer(B, 1, 3, [12]);
    line.answer(B, 1, 4, [13]);
    expect(line.routes.get(1)).toEqual([13]);
  });

  test('a module that the other server does not have yet is kept, and replaced by what that tells when it has caught up', () => {
    const line = knowing();
    line.up(B);
    line.answer(B, 1, 0, []);
    line.later(0);
    line.later(DOUBT_MS - 1);
    expect(line.routes.get(1)).toEqual([11]);
    line.answer(B, 1, 4, [12]);
    line.later(DOUBT_MS);
    expect(line.routes.get(1)).toEqual([12]);
  });

  test('a module that the other server does not have for long is gone', () => {
    const line = knowing();
    line.up(B);
    line.answer(B, 1, 0, []);
    line.answer(B, 2, 3, [22]);
    line.later(0);
    line.later(DOUBT_MS);
    expect([line.routes.get(1), line.routes.get(2)]).toEqual([[], [22]]);
    expect(line.subscriber.isKnown({ modid: 1, cmdid: 0 })).toBe(false);
  });

  test('a removal that the same server tells is believed at once', () => {
    const line = knowing();
    line.answer(A, 1, 0, []);
    expect(line.routes.get(1)).toEqual([]);
  });
});

describe('while the server before is still connected', () => {
  test('it is needed until the other one has told of every known module', () => {
    const line = knowing();
    line.up(B);
    expect(line.subscriber.isCaughtUp).toBe(false);
    line.answer(B, 1, 3, [12]);
    expect(line.subscriber.isCaughtUp).toBe(false);
    line.answer(B, 2, 0, []);
    expect(line.subscriber.isCaughtUp).toBe(true);
  });

  test('its changes count until the other one has told of the module, and no longer', () => {
    const line = knowing();
    line.up(B);
    line.answer(A, 1, 51, [14]);
    expect(line.routes.get(1)).toEqual([14]);
    line.answer(B, 1, 3, [12]);
    line.answer(A, 1, 52, [15]);
    expect(line.routes.get(1)).toEqual([12]);
    line.answer(B, 1, 4, [13]);
    expect(line.routes.get(1)).toEqual([13]);
  });
});

describe('a sign of life', () => {
  test('is asked for when the server was quiet, of a module that is subscribed to already; and its lack is overdue', () => {
    const line = knowing();
    line.subscriber.askIfQuiet(line.nowMs, 500);
    line.nowMs += 499;
    line.subscriber.askIfQuiet(line.nowMs, 500);
    expect(line.asked()).toEqual({});
    line.nowMs += 1;
    line.subscriber.askIfQuiet(line.nowMs, 500);
    line.subscriber.askIfQuiet(line.nowMs, 500);
    expect(line.asked()).toEqual({ 1: 50 });
    expect([line.subscriber.isOverdue(line.nowMs + 1_001, 1_000), line.subscriber.isOverdue(line.nowMs + 1_001)]).toEqual([
      true,
      false,
    ]);
    line.answer(A, 1, 50, [], { notModified: true });
    expect(line.subscriber.isOverdue(line.nowMs + 60_000)).toBe(false);
  });

  test('of a server without versions is not asked for with a module whose whole route would come each time', () => {
    const line = new Line();
    line.up(A);
    line.query(1);
    line.answer(A, 1, 0, [11]);
    line.asked();
    line.subscriber.askIfQuiet(line.nowMs, 500);
    line.nowMs += 500;
    line.subscriber.askIfQuiet(line.nowMs, 500);
    expect(line.asked()).toEqual({ 0: 0 });
  });

  test('of an agent that knows nothing is asked for with a module that its answer does not make known to anybody', () => {
    const line = new Line();
    line.up(A);
    line.nowMs += 500;
    line.subscriber.askIfQuiet(line.nowMs, 500);
    expect(line.asked()).toEqual({ 0: 0 });
    line.answer(A, 0, 0, []);
    expect([...line.routes]).toEqual([]);
    expect(line.subscriber.isOverdue(line.nowMs + 60_000)).toBe(false);
  });
});
