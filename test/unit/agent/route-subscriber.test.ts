import {
  decodeBody,
  encodeBody,
  Feature,
  FrameDecoder,
  type GetRouteRequest,
  type GetRouteResponse,
  LarsProtocolError,
  MAX_BODY_BYTES,
  MessageId,
} from '@lars/proto';
import { SharedCounters } from '@lars/runtime/counters';
import { describe, expect, test } from 'vitest';
import { dnsCounters } from '../../../agent/src/counters.ts';
import { RouteSubscriber } from '../../../agent/src/dns/route-subscriber.ts';
import { hostInfo, hostInfos, namedHost } from '../../support/agent-messages.ts';

const ANSWER_TIMEOUT_MS = 5_000;

/** Modules of this number and above are stored. */
const STORED_FROM = 1_000_000;

/** A subscriber on a link that is made and cut by hand. */
class Line {
  readonly counters = new SharedCounters(dnsCounters);
  readonly routes: GetRouteResponse[] = [];
  readonly subscriber: RouteSubscriber;
  nowMs = 1_000;
  #asked: GetRouteRequest[] = [];
  #up = false;

  constructor(maxOpen = 1_000) {
    const options = { servers: 1, doubtMs: 15_000, maxOpen, maxAbsent: 3, minLinkMs: 10_000, answerTimeoutMs: ANSWER_TIMEOUT_MS };
    this.subscriber = new RouteSubscriber(options, {
      counters: this.counters,
      send: frame => this.#up && this.#take(frame),
      isStored: ({ modid }) => modid >= STORED_FROM,
      onResponse: () => undefined,
      onRoute: response => this.routes.push(response),
    });
  }

  up(): void {
    this.#up = true;
    this.subscriber.onLinkUp(this.nowMs);
  }

  down(): void {
    this.#up = false;
    this.subscriber.onLinkDown();
  }

  pull(modid: number, version = 0): void {
    this.subscriber.query({ modid, cmdid: 0, version }, this.nowMs);
  }

  answer(modid: number, details: Partial<GetRouteResponse> = {}): void {
    const response = { modid, cmdid: 0, host: hostInfos(1), version: 0, overload: false, notModified: false, ...details };
    this.subscriber.onFrame(MessageId.GetRouteResponse, encodeBody(MessageId.GetRouteResponse, response));
  }

  /** What was asked since the last take: [modid, version]. */
  takeAsked(): [number, number][] {
    return this.takeRequests().map(({ modid, version }) => [modid, version]);
  }

  takeRequests(): GetRouteRequest[] {
    return this.#asked.splice(0);
  }

  #take(bytes: Uint8Array): boolean {
    new FrameDecoder(MAX_BODY_BYTES).push(bytes, (id, body) => {
      expect(id).toBe(MessageId.GetRouteRequest);
      this.#asked.push(decodeBody(MessageId.GetRouteRequest, body));
    });
    return true;
  }
}

function linkUp(): Line {
  const line = new Line();
  line.up();
  return line;
}

describe('a pull', () => {
  test('is a GetRouteRequest that says what is held and what is understood', () => {
    const line = linkUp();
    line.subscriber.query({ modid: -5, cmdid: 7, version: 42 }, line.nowMs);
    expect(line.takeRequests()).toEqual([{ modid: -5, cmdid: 7, version: 42, features: Feature.HostAddr | Feature.Drain }]);
  });

  test('is asked once while its question is open, and again afterwards', () => {
    const line = linkUp();
    for (let i = 0; i < 5; i++) line.pull(1);
    expect(line.takeAsked()).toEqual([[1, 0]]);
    expect(line.subscriber.openCount).toBe(1);
    line.answer(1);
    expect(line.subscriber.openCount).toBe(0);
    line.pull(1, 3);
    expect(line.takeAsked()).toEqual([[1, 3]]);
  });

  test('whose answer is overdue, while others are answered, is asked again', () => {
    const line = linkUp();
    line.pull(1);
    line.takeAsked();
    line.nowMs += ANSWER_TIMEOUT_MS;
    line.answer(2);
    line.pull(1);
    expect(line.takeAsked()).toEqual([]);
    line.nowMs += 1;
    line.pull(1);
    line.pull(1);
    expect(line.takeAsked()).toEqual([[1, 0]]);
  });

  test('while the link is down is asked when it stands', () => {
    const line = new Line();
    line.pull(1);
    line.pull(2);
    expect(line.takeAsked()).toEqual([]);
    line.up();
    expect(line.takeAsked()).toEqual([
      [1, 0],
      [2, 0],
    ]);
  });

  test('for a module that may not exist is given up when too many are open, the one asked for least recently first', () => {
    const line = new Line(2);
    for (const modid of [1, 2, 1, 3]) line.pull(modid);
    expect([line.subscriber.openCount, line.counters.get('queriesRefused')]).toEqual([2, 1]);
    line.up();
    expect(line.takeAsked()).toEqual([
      [1, 0],
      [3, 0],
    ]);
  });

  test('for a module that exists, as far as is known, is never given up, and is sent first', () => {
    const line = new Line(2);
    line.up();
    line.answer(10, { version: 5 });
    line.down();
    line.takeAsked();
    for (let modid = 20; modid < 60; modid++) line.pull(modid);
    line.pull(STORED_FROM);
    line.pull(11, 7);
    line.up();
    const asked = line.takeAsked();
    expect(new Map(asked.slice(0, 3))).toEqual(
      new Map([
        [STORED_FROM, 0],
        [11, 7],
        [10, 5],
      ]),
    );
    expect(asked.slice(3)).toEqual([
      [58, 0],
      [59, 0],
    ]);
  });
});

describe('modules that do not exist', () => {
  test('are subscribed to until there are many, and then only those that exist are', () => {
    const line = linkUp();
    line.answer(1, { version: 5 });
    line.nowMs += 20_000;
    for (const modid of [2, 3, 2]) {
      line.pull(modid);
      line.answer(modid, { host: [] });
    }
    expect(line.subscriber.isOversubscribed(line.nowMs)).toBe(false);
    line.pull(4);
    line.answer(4, { host: [] });
    expect(line.subscriber.isOversubscribed(line.nowMs)).toBe(true);
    line.takeAsked();
    line.down();
    line.up();
    expect([line.takeAsked(), line.subscriber.isOversubscribed(line.nowMs)]).toEqual([[[1, 5]], false]);
    expect(line.subscriber.isOversubscribed(line.nowMs + 10_000)).toBe(false);
  });

  test('cost a connection at most every ten seconds, and one that exists after all does not count', () => {
    const line = linkUp();
    for (const modid of [2, 3, 4]) line.answer(modid, { host: [] });
    expect(line.subscriber.isOversubscribed(line.nowMs + 9_000)).toBe(false);
    expect(line.subscriber.isOversubscribed(line.nowMs + 10_000)).toBe(true);
    line.answer(4, { version: 1 });
    expect(line.subscriber.isOversubscribed(line.nowMs + 10_000)).toBe(false);
  });
});

describe('what dnsserver says is handed on', () => {
  test('answers and pushes alike, whether they were asked for or not', () => {
    const line = linkUp();
    line.pull(1);
    line.answer(1, { version: 5 });
    line.answer(1, { version: 6, host: hostInfos(2) });
    line.answer(9, { host: [] });
    expect(line.routes).toMatchObject([
      { modid: 1, version: 5, host: hostInfos(1) },
      { modid: 1, version: 6, host: hostInfos(2) },
      { modid: 9, host: [] },
    ]);
    expect(line.counters.toObject()).toMatchObject({ requests: 1, responses: 3, notModified: 0 });
  });

  test('"not modified" is not: the shard has what it asked about', () => {
    const line = linkUp();
    line.pull(1, 5);
    line.answer(1, { host: [], version: 5, notModified: true });
    expect(line.routes).toEqual([]);
    expect(line.counters.toObject()).toMatchObject({ responses: 0, notModified: 1 });
  });

  test('without the hosts that nobody could call or carry on; they are counted', () => {
    const line = linkUp();
    line.answer(1, { host: [hostInfo(0), hostInfo(1), hostInfo(2, { ip: 0 }), namedHost('x'.repeat(60_000)), namedHost('ok')] });
    expect(line.routes[0]?.host).toEqual([hostInfo(1), namedHost('ok')]);
    expect(line.counters.get('hostsRefused')).toBe(3);
  });
});

describe('after a reconnect', () => {
  test('everything that is held or open is asked for again, each with the revision that is held', () => {
    const line = linkUp();
    for (const modid of [1, 2, 3, 4]) line.pull(modid);
    line.answer(1, { version: 10 });
    line.answer(2, { version: 20 });
    line.answer(3, { host: [] });
    line.answer(2, { version: 21 });
    line.answer(5, { version: 50 });
    line.takeAsked();
    line.down();
    line.up();
    expect(new Map(line.takeAsked())).toEqual(
      new Map([
        [1, 10],
        [2, 21],
        [4, 0],
        [5, 50],
      ]),
    );
    expect(line.counters.get('reconnects')).toBe(2);
  });

  test('a module that was removed is not asked for any more', () => {
    const line = linkUp();
    line.answer(1);
    line.answer(1, { host: [] });
    line.down();
    line.up();
    expect(line.takeAsked()).toEqual([]);
  });

  test('a module that a new dns thread knows only as "not modified" is held too', () => {
    const line = linkUp();
    line.pull(1, 7);
    line.answer(1, { host: [], notModified: true });
    line.takeAsked();
    line.down();
    line.up();
    expect(line.takeAsked()).toEqual([[1, 7]]);
  });
});

describe('when a shard was replaced', () => {
  const even = ({ modid }: { readonly modid: number }) => modid % 2 === 0;

  test('its modules are asked for in full, those of the others are not', () => {
    const line = linkUp();
    for (const modid of [1, 2, 3, 4]) line.answer(modid, { version: modid * 10 });
    line.subscriber.refetch(even, line.nowMs);
    expect(line.takeAsked()).toEqual([
      [2, 0],
      [4, 0],
    ]);
  });

  test('while the link is down, they are asked for in full when it stands', () => {
    const line = linkUp();
    for (const modid of [1, 2]) line.answer(modid, { version: modid * 10 });
    line.down();
    line.pull(2, 20);
    line.subscriber.refetch(even, line.nowMs);
    line.up();
    expect(new Map(line.takeAsked())).toEqual(
      new Map([
        [1, 10],
        [2, 0],
      ]),
    );
  });
});

describe('a silent server', () => {
  test('is overdue when nothing has come for too long after a question', () => {
    const line = linkUp();
    expect(line.subscriber.isOverdue(line.nowMs + 10 * ANSWER_TIMEOUT_MS)).toBe(false);
    line.pull(1);
    line.nowMs += ANSWER_TIMEOUT_MS;
    line.pull(2);
    expect(line.subscriber.isOverdue(line.nowMs)).toBe(false);
    expect(line.subscriber.isOverdue(line.nowMs + 1)).toBe(true);
  });

  test('is not overdue once it has said anything, nor on a link that is down or new', () => {
    const line = linkUp();
    const late = () => line.subscriber.isOverdue(line.nowMs + 2 * ANSWER_TIMEOUT_MS);
    line.pull(1);
    line.answer(9);
    expect(late()).toBe(false);
    line.pull(2);
    expect(late()).toBe(true);
    line.down();
    expect(late()).toBe(false);
    line.pull(3);
    expect(late()).toBe(false);
    line.up();
    expect(late()).toBe(true);
  });
});

describe('a server that speaks nonsense is counted and complained about', () => {
  test.each([MessageId.GetRouteRequest, MessageId.ReportStatusAck, 0, 99, -1])('message id %i', id => {
    const line = linkUp();
    expect(() => line.subscriber.onFrame(id, new Uint8Array())).toThrow(LarsProtocolError);
    expect(line.counters.get('badFrames')).toBe(1);
    expect(line.routes).toEqual([]);
  });

  test('a body that does not parse', () => {
    const line = linkUp();
    const body = Uint8Array.of(0x1a, 0xff, 1);
    expect(() => line.subscriber.onFrame(MessageId.GetRouteResponse, body)).toThrow(
      expect.objectContaining({ code: 'BAD_BODY' }),
    );
    expect(line.counters.get('badFrames')).toBe(1);
  });
});
