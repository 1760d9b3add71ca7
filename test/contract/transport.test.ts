import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import type { CallerRef } from '../../agent/src/udp/transport.ts';
import { eventually } from '../support/eventually.ts';
import { type OpenedTransport, received } from './transport-harness.ts';
import { bytes, echo, opener, SILENCE, silent, TRANSPORTS } from './transport-suite.ts';

/** Filled so that no two offsets near each other look alike. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff);
}

describe.each(TRANSPORTS)('the $name transport', harness => {
  const { open, openLate } = opener(harness);

  test('hands a request to the handler and its reply to the asker', async () => {
    const { client } = await open(echo);
    const one = await client();
    one.send(bytes(1, 2, 3));
    expect(await received(one, 1)).toEqual([bytes(1, 2, 3)]);
  });

  test('tells its askers apart', async () => {
    const { client } = await open(echo);
    const clients = await Promise.all(Array.from({ length: 5 }, client));
    for (const n of [0, 1, 2]) for (const [i, one] of clients.entries()) one.send(bytes(i, n));
    for (const [i, one] of clients.entries()) expect(await received(one, 3)).toEqual([bytes(i, 0), bytes(i, 1), bytes(i, 2)]);
  });

  // Elsewhere than on Linux a machine has one loopback address.
  test.runIf(!harness.hasPorts || process.platform === 'linux')(
    'shows the handler nothing of senders that are not allowed',
    async () => {
      const asked: number[] = [];
      const seen: Uint8Array[] = [];
      const isAllowed = (ip: number) => {
        asked.push(ip);
        return ip !== 0x7f00_0002;
      };
      const answer = (request: Uint8Array, reply: Uint8Array) => {
        seen.push(new Uint8Array(request));
        return echo(request, reply, undefined);
      };
      const { client } = await open(answer, { isAllowed });
      const refused = await client('127.0.0.2');
      const allowed = await client('127.0.0.3');
      for (const n of [1, 2, 3]) refused.send(bytes(n));
      allowed.send(bytes(9));
      expect(await received(allowed, 1)).toEqual([bytes(9)]);
      expect(seen).toEqual([bytes(9)]);
      expect(refused.received).toEqual([]);
      expect(asked).toEqual([0x7f00_0002, 0x7f00_0002, 0x7f00_0002, 0x7f00_0003]);
    },
  );

  test('sends nothing where the handler returns zero', async () => {
    const { client } = await open((request, reply) => (request[0] === 7 ? echo(request, reply, undefined) : SILENCE));
    const one = await client();
    for (const value of [1, 2, 7]) one.send(bytes(value));
    expect(await received(one, 1)).toEqual([bytes(7)]);
  });

  test.each([0, 1, 8, 1_472, 1_473, 9_000, MAX_DATAGRAM_BYTES])('carries %i bytes both ways, each of them', async length => {
    const seen: Uint8Array[] = [];
    const { client } = await open((request, reply) => {
      seen.push(new Uint8Array(request));
      reply.set(request);
      reply[request.length] = 0xaa;
      // An empty reply would be none.
      return Math.max(1, request.length);
    });
    const one = await client();
    one.send(pattern(length));
    const [answer] = await received(one, 1);
    expect(seen).toEqual([pattern(length)]);
    expect(answer).toEqual(length === 0 ? bytes(0xaa) : pattern(length));
  });

  test('shows a request as long as it is, without the bytes of a longer one before it', async () => {
    const lengths: number[] = [];
    const { client } = await open((request, reply) => {
      lengths.push(request.length);
      return echo(request, reply, undefined);
    });
    const one = await client();
    for (const length of [60_000, 3, 500, 1]) {
      one.send(pattern(length));
      await eventually(`${length} bytes back`, () => one.received.at(-1)?.length === length);
    }
    expect(lengths).toEqual([60_000, 3, 500, 1]);
    expect(one.received.map(({ length }) => length)).toEqual(lengths);
  });

  test('answers a burst, each request with its own reply, though the handler writes all into a borrowed buffer', async () => {
    const count = 1_000;
    const { client } = await open((request, reply) => {
      reply.fill(request[0] as number, 0, 40);
      return 40;
    });
    const one = await client();
    for (let i = 0; i < count; i++) one.send(bytes(i));
    const answers = await received(one, count);
    expect(answers.map(answer => [answer.length, new Set(answer)])).toEqual(
      Array.from({ length: count }, (_, i) => [40, new Set([i & 0xff])]),
    );
  });

  test('tells where each batch of datagrams begins and ends', async () => {
    const events: string[] = [];
    const { client } = await open(
      (request, reply) => {
        events.push('datagram');
        return echo(request, reply, undefined);
      },
      { beforeBatch: () => events.push('before'), afterBatch: () => events.push('after') },
    );
    const one = await client();
    for (let i = 0; i < 20; i++) one.send(bytes(i));
    await received(one, 20);
    expect(events.join(' ')).toMatch(/^(before( datagram)+ after ?)+$/);
    expect(events.filter(event => event === 'datagram')).toHaveLength(20);
  });

  test('where it shows the datagrams of a batch beforehand, it shows all of them, whole, before the first is handled', async () => {
    const batches: { shown: number[]; ran: number; handled: number[] }[] = [];
    const last = () => batches.at(-1) as (typeof batches)[number];
    const { client } = await open(
      (request, reply) => {
        last().handled.push(request[0] as number);
        return echo(request, reply, undefined);
      },
      {
        beforeBatch: () => batches.push({ shown: [], ran: 0, handled: [] }),
        prefetcher: {
          add: (all, start, end) => last().shown.push(...all.subarray(start, end)),
          prefetch: () => {
            last().ran += last().handled.length === 0 ? 1 : 99;
          },
        },
      },
    );
    const one = await client();
    for (let i = 0; i < 60; i++) one.send(bytes(i, 200));
    await received(one, 60);
    for (const { shown, ran, handled } of batches) {
      expect(shown).toEqual(ran === 0 ? [] : handled.flatMap(first => [first, 200]));
      expect(ran).toBe(harness.name === 'mmsg' && handled.length >= 4 ? 1 : 0);
    }
    expect(batches.flatMap(({ handled }) => handled)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  });

  test('large answers do not crowd each other out', async () => {
    const { client } = await open((request, reply) => {
      reply.fill(request[0] as number, 0, 50_000);
      return 50_000;
    });
    const one = await client();
    for (let i = 1; i <= 20; i++) one.send(bytes(i));
    const answers = await received(one, 20);
    expect(answers.map(answer => [answer.length, new Set(answer)])).toEqual(
      Array.from({ length: 20 }, (_, i) => [50_000, new Set([i + 1])]),
    );
  });

  test('sends what stood in the reply when the handler returned, whatever becomes of the buffer', async () => {
    const { client } = await open((request, reply) => {
      reply.set(request);
      queueMicrotask(() => reply.fill(0xee));
      return request.length;
    });
    const one = await client();
    for (let i = 0; i < 20; i++) one.send(bytes(i, i));
    expect(await received(one, 20)).toEqual(Array.from({ length: 20 }, (_, i) => bytes(i, i)));
  });

  describe('answers late', () => {
    test('to a peer that was kept', async () => {
      const { transport, client, peer } = await openLate();
      const [one, other] = [await client(), await client()];
      one.send(bytes(1));
      const first = await peer(0);
      other.send(bytes(2));
      const second = await peer(1);
      transport.send(bytes(22), second);
      transport.send(bytes(11), first);
      transport.send(bytes(12), first);
      expect(await received(other, 1)).toEqual([bytes(22)]);
      expect(await received(one, 2)).toEqual([bytes(11), bytes(12)]);
    });

    test('to a peer that was mailed to another thread and back', async () => {
      const { transport, client, peer } = await openLate();
      const one = await client();
      one.send(bytes(1));
      transport.send(bytes(9), structuredClone(await peer(0)));
      expect(await received(one, 1)).toEqual([bytes(9)]);
    });

    test('from bytes that are used again at once', async () => {
      const { transport, client, peer } = await openLate();
      const one = await client();
      one.send(bytes(1));
      const to = await peer(0);
      const shared = new Uint8Array(3);
      for (let i = 0; i < 50; i++) {
        shared.fill(i);
        transport.send(shared, to);
      }
      shared.fill(0xff);
      expect(await received(one, 50)).toEqual(Array.from({ length: 50 }, (_, i) => bytes(i, i, i)));
    });

    test('with the largest datagram', async () => {
      const { transport, client, peer } = await openLate();
      const one = await client();
      one.send(bytes(1));
      transport.send(pattern(MAX_DATAGRAM_BYTES), await peer(0));
      expect(await received(one, 1)).toEqual([pattern(MAX_DATAGRAM_BYTES)]);
    });

    test('while another request is handled, whose own reply stays whole', async () => {
      const { transport, client } = await open((request, reply, from) => {
        reply.set(request);
        transport.send(bytes(77, 78, 79), from);
        return request.length;
      });
      const one = await client();
      one.send(bytes(1, 2));
      const answers = await received(one, 2);
      expect(new Set(answers.map(answer => answer.join()))).toEqual(new Set(['1,2', '77,78,79']));
    });

    test('while another request is handled, from bytes that are used again at once', async () => {
      const shared = new Uint8Array(2);
      const { transport, client } = await open((request, _reply, from) => {
        shared.fill(request[0] as number);
        transport.send(shared, from);
        shared.fill(0xff);
        return SILENCE;
      });
      const one = await client();
      for (let i = 0; i < 50; i++) one.send(bytes(i));
      expect(await received(one, 50)).toEqual(Array.from({ length: 50 }, (_, i) => bytes(i, i)));
    });

    test('before it is closed, and the answer still leaves', async () => {
      const { transport, client, peer } = await openLate();
      const one = await client();
      one.send(bytes(1));
      transport.send(bytes(5), await peer(0));
      await transport.close();
      expect(await received(one, 1)).toEqual([bytes(5)]);
    });

    test('to those too who asked before it was closed and are heard only then', async () => {
      const opened: OpenedTransport = await open((request, _reply, from) => {
        opened.transport.send(bytes(request[0] as number, 5), from);
        return SILENCE;
      });
      const one = await opened.client();
      const asked = Array.from({ length: 100 }, (_, i) => i);
      for (const i of asked) one.send(bytes(i));
      await opened.transport.close();
      expect(await received(one, 100)).toEqual(asked.map(i => bytes(i, 5)));
    });
  });

  describe('that is closed', () => {
    test('is closed for good, however often it is told', async () => {
      const { transport } = await open(silent);
      await Promise.all([transport.close(), transport.close()]);
      await transport.close();
    });

    test('hands nothing on any more and sends nothing any more', async () => {
      const seen: number[] = [];
      const peers: CallerRef[] = [];
      const { transport, client } = await open((request, _reply, from) => {
        seen.push(request[0] as number);
        peers.push(from);
        return SILENCE;
      });
      const one = await client();
      one.send(bytes(1));
      await eventually('the first request', () => seen.length === 1);
      await transport.close();
      one.send(bytes(2));
      transport.send(bytes(3), peers[0]);
      // Another transport takes its place: what reaches that one did not reach this one.
      const successor = await open(echo, { port: transport.port });
      const next = await successor.client();
      next.send(bytes(4));
      await received(next, 1);
      expect(seen).toEqual([1]);
      expect(one.received).toEqual([]);
    });
  });

  test('says what it is and where it listens', async () => {
    const { transport } = await open(silent);
    expect(transport.kind).toBe(harness.name);
    expect(transport.port > 0).toBe(harness.hasPorts);
  });
});
