import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import { afterEach, describe, expect, test } from 'vitest';
import { openDgramTransport } from '../../agent/src/udp/dgram-transport.ts';
import type { DatagramHandler, PeerRef, TransportOptions } from '../../agent/src/udp/transport.ts';
import { eventually } from '../support/eventually.ts';
import {
  memoryHarness,
  type OpenedTransport,
  received,
  type TransportClient,
  type TransportHarness,
  udpHarness,
} from './transport-harness.ts';

/** Every implementation of DatagramTransport has a line here. */
const TRANSPORTS: readonly TransportHarness[] = [udpHarness('dgram', openDgramTransport), memoryHarness()];

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const echo: DatagramHandler = (request, reply) => {
  reply.set(request);
  return request.length;
};

/** A request that asks for nothing. */
const SILENCE = 0;
const silent: DatagramHandler = () => SILENCE;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

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
    const count = 200;
    const { client } = await open((request, reply) => {
      reply.fill(request[0] as number, 0, 40);
      return 40;
    });
    const one = await client();
    for (let i = 0; i < count; i++) one.send(bytes(i));
    const answers = await received(one, count);
    expect(answers.map(answer => [answer.length, new Set(answer)])).toEqual(
      Array.from({ length: count }, (_, i) => [40, new Set([i])]),
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

    test('before it is closed, and the answer still leaves', async () => {
      const { transport, client, peer } = await openLate();
      const one = await client();
      one.send(bytes(1));
      transport.send(bytes(5), await peer(0));
      await transport.close();
      expect(await received(one, 1)).toEqual([bytes(5)]);
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
      const peers: PeerRef[] = [];
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

describe.each(TRANSPORTS.filter(({ hasPorts }) => hasPorts))('the $name transport on the network', harness => {
  const { open, openLate } = opener(harness);

  test('refuses a port that is taken, and the taker does not notice', async () => {
    const { transport, client } = await open(echo);
    await expect(open(silent, { port: transport.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const one = await client();
    one.send(bytes(1));
    expect(await received(one, 1)).toEqual([bytes(1)]);
  });

  test('refuses an address that is not this machine’s', async () => {
    await expect(open(silent, { ip: '192.0.2.1' })).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' });
  });

  test('tells of an answer that cannot be sent, and sends the next one', async () => {
    const { transport, client, peer, sendErrors } = await openLate();
    const one = await client();
    one.send(bytes(1));
    transport.send(new Uint8Array(MAX_DATAGRAM_BYTES + 1), await peer(0));
    transport.send(bytes(9), await peer(0));
    expect(await received(one, 1)).toEqual([bytes(9)]);
    await eventually('an error is told', () => sendErrors() === 1);
  });

  test('serves on when an asker is gone before its answer', async () => {
    const { transport, client, peer } = await openLate();
    const gone = await client();
    gone.send(bytes(1));
    const kept = await peer(0);
    cleanUps.pop();
    gone.close();
    const one = await client();
    for (let i = 0; i < 10; i++) transport.send(bytes(9), kept);
    one.send(bytes(2));
    transport.send(bytes(8), await peer(1));
    expect(await received(one, 1)).toEqual([bytes(8)]);
  });
});

function opener(harness: TransportHarness) {
  async function open(onDatagram: DatagramHandler, options: Partial<TransportOptions> = {}) {
    let sendErrors = 0;
    const defaults = { ip: '127.0.0.1', port: 0, receiveBufferBytes: 4_194_304, onSendError: () => sendErrors++ };
    const opened: OpenedTransport = await harness.open({ ...defaults, onDatagram, ...options });
    cleanUps.push(() => opened.transport.close());
    const client = async (): Promise<TransportClient> => {
      const made = await opened.client();
      cleanUps.push(() => made.close());
      return made;
    };
    return { ...opened, client, sendErrors: () => sendErrors };
  }

  /** A transport that answers nothing by itself, and remembers who asked. */
  async function openLate() {
    const peers: PeerRef[] = [];
    const opened = await open((_request, _reply, from) => {
      peers.push(from);
      return SILENCE;
    });
    const peer = (index: number) => eventually(`request ${index}`, () => peers[index]);
    return { ...opened, peer };
  }
  return { open, openLate };
}
