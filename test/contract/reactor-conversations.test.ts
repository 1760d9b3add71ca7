/** What every engine promises of relays in which small messages go to and fro, which engines may send on without looking at them. */
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { describeEngines, pattern, type Remote, sleep } from './reactor-harness.ts';
import { expectClean, openRelayWorld, type RelayWorld } from './reactor-relay-world.ts';

const MIB = 2 ** 20;

/** Answers each byte with one. */
function echoBytes(backend: Remote): void {
  backend.socket.on('data', (chunk: Buffer) => backend.socket.write(chunk));
  backend.socket.on('end', () => backend.socket.end());
}

async function converse(client: Remote, messages: number): Promise<void> {
  for (let message = 0; message < messages; message++) {
    const before = client.received.length;
    client.socket.write(pattern(40, message));
    await eventually('the answer is here', () => client.received.length === before + 40);
  }
}

const said = (messages: number): Buffer => Buffer.concat(Array.from({ length: messages }, (_, at) => pattern(40, at)));

describeEngines('conversation in a relay', kind => {
  async function openConversation(
    messages: number,
    options = {},
  ): Promise<{ readonly world: RelayWorld; readonly client: Remote }> {
    const world = await openRelayWorld(kind, options, echoBytes);
    const { client } = await world.pair();
    await converse(client, messages);
    return { world, client };
  }

  test('each message arrives once, is counted on both sides, and the end comes behind the last', async () => {
    const { world, client } = await openConversation(20);
    expect(world.engine.stats()).toMatchObject({ bytesRead: 1_600, bytesWritten: 1_600 });
    client.socket.end('last');
    await client.ended();
    expect(client.received.equals(Buffer.concat([said(20), Buffer.from('last')]))).toBe(true);
    await eventually('the relay is over', () => world.results.length === 1);
    expect(world.results[0]).toMatchObject({ end: 'ended', bytesAToB: 804, bytesBToA: 804 });
    await expectClean(world);
  });

  test('bulk in the midst of it arrives whole, and messages go on behind it', async () => {
    const { world, client } = await openConversation(12);
    client.socket.write(pattern(3 * MIB));
    await eventually('the bulk is here', () => client.received.length === 480 + 3 * MIB);
    await converse(client, 12);
    client.socket.end();
    await client.ended();
    expect(client.received.equals(Buffer.concat([said(12), pattern(3 * MIB), said(12)]))).toBe(true);
    await eventually('the relay is over', () => world.results.length === 1);
    expect(world.results[0]).toMatchObject({ end: 'ended', bytesAToB: 3 * MIB + 960, bytesBToA: 3 * MIB + 960 });
    await expectClean(world);
  });

  test('one that does not read any more stops the other, loses nothing, and hears it all later', async () => {
    const world = await openRelayWorld(kind);
    const { client, backend } = await world.pair();
    const sent: Buffer[] = [];
    const say = async (length: number, seed: number): Promise<void> => {
      sent.push(pattern(length, seed));
      client.socket.write(pattern(length, seed));
      await new Promise(resolve => setImmediate(resolve));
    };
    for (let message = 0; message < 10; message++) await say(40, message);
    await eventually('the first messages are there', () => backend.received.length === 400);
    backend.socket.pause();
    // Small ones, until nothing more fits anywhere.
    for (let message = 0; client.socket.writableLength < MIB; message++) await say(3_000, message);
    const total = sent.reduce((sum, piece) => sum + piece.length, 0);
    backend.socket.resume();
    await eventually('all are there', () => backend.received.length === total);
    for (let message = 0; message < 10; message++) await say(40, message);
    client.socket.end();
    await backend.ended();
    expect(backend.received.equals(Buffer.concat(sent))).toBe(true);
    backend.socket.end();
    await eventually('the relay is over', () => world.results.length === 1);
    expect(world.results[0]).toMatchObject({ end: 'ended', bytesAToB: total + 400, bytesBToA: 0 });
    await expectClean(world);
  });

  test.each(['client', 'backend'] as const)('a reset by the %s is passed on', async first => {
    const world = await openRelayWorld(kind, {}, echoBytes);
    const pair = await world.pair();
    await converse(pair.client, 10);
    const other = first === 'client' ? pair.backend : pair.client;
    pair[first].socket.resetAndDestroy();
    await eventually('the other is reset', () => other.errorCode === 'ECONNRESET' || other.errorCode === 'EPIPE');
    await eventually('the relay is over', () => world.results.length === 1);
    expect(world.results[0]).toMatchObject({ end: 'reset', by: first === 'client' ? 'a' : 'b', bytesAToB: 400, bytesBToA: 400 });
    await expectClean(world);
  });

  test('a reset right behind a message is passed on as a reset', async () => {
    const world = await openRelayWorld(kind, {}, echoBytes);
    for (const messages of [0, 1, 3, 4, 10]) {
      for (const first of ['client', 'backend'] as const) {
        const run = world.results.length;
        const pair = await world.pair();
        await converse(pair.client, messages);
        const other = first === 'client' ? pair.backend : pair.client;
        // Before the engine looks the next time both are here.
        pair[first].socket.write(pattern(40));
        pair[first].socket.resetAndDestroy();
        await eventually('the other is reset', () => other.errorCode === 'ECONNRESET' || other.errorCode === 'EPIPE');
        await eventually('the relay is over', () => world.results.length === run + 1);
        expect(world.results[run]).toMatchObject({ end: 'reset', by: first === 'client' ? 'a' : 'b' });
      }
    }
    await expectClean(world);
  });

  test('a reset right behind bulk is passed on as a reset', async () => {
    const world = await openRelayWorld(kind, {}, echoBytes);
    for (let run = 0; run < 10; run++) {
      const { client, backend } = await world.pair();
      await converse(client, 6);
      client.socket.write(pattern(20_000));
      client.socket.resetAndDestroy();
      await eventually('the backend is reset', () => backend.errorCode === 'ECONNRESET' || backend.errorCode === 'EPIPE');
      await eventually('the relay is over', () => world.results.length === run + 1);
      expect(world.results[run]).toMatchObject({ end: 'reset', by: 'a' });
    }
    await expectClean(world);
  });

  test('messages keep a relay alive, and silence behind them ends it', async () => {
    const { world, client } = await openConversation(3, { idleTimeoutMs: 400 });
    const untilMs = performance.now() + 1_200;
    while (performance.now() < untilMs) {
      await converse(client, 1);
      await sleep(20);
    }
    expect(world.results).toEqual([]);
    await eventually('the relay is over', () => world.results.length === 1);
    expect(world.results[0]).toMatchObject({ end: 'idle_timeout' });
    await expectClean(world);
  });

  test('many at once, of all sizes, while others come and go: each hears its own, in order', async () => {
    const random = seededRandom(15);
    const world = await openRelayWorld(kind, {}, echoBytes);
    const one = async (seed: number): Promise<void> => {
      const { client } = await world.pair();
      const sent: Buffer[] = [];
      const messages = 1 + Math.floor(random() * 30);
      for (let message = 0; message < messages; message++) {
        // Mostly small; about 4,096 bytes, which is what is received at once; and bulk.
        const kindOf = random();
        const length = kindOf < 0.8 ? 1 + Math.floor(random() * 200) : kindOf < 0.95 ? 4_094 + Math.floor(random() * 5) : 100_000;
        sent.push(pattern(length, seed * 100 + message));
        client.socket.write(sent.at(-1) as Buffer);
        if (random() < 0.3) continue;
        const total = sent.reduce((sum, piece) => sum + piece.length, 0);
        await eventually('the answer is here', () => client.received.length >= total);
      }
      if (random() < 0.2) {
        client.socket.resetAndDestroy();
        return;
      }
      client.socket.end();
      await client.ended();
      expect(client.received.equals(Buffer.concat(sent))).toBe(true);
    };
    const lines = Array.from({ length: 12 }, async (_, line) => {
      for (let at = 0; at < 4; at++) await one(line * 4 + at + 1);
    });
    await Promise.all(lines);
    await eventually('all relays are over', () => world.results.length === 48);
    await expectClean(world);
  });
});
