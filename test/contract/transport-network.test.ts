import { MAX_DATAGRAM_BYTES } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { received } from './transport-harness.ts';
import { bytes, echo, opener, SILENCE, silent, TRANSPORTS } from './transport-suite.ts';

describe.each(TRANSPORTS.filter(({ hasPorts }) => hasPorts))('the $name transport on the network', harness => {
  const { open, openLate } = opener(harness);

  test('refuses a port that is taken, and the taker does not notice', async () => {
    const { transport, client } = await open(echo);
    await expect(open(silent, { port: transport.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const one = await client();
    one.send(bytes(1));
    expect(await received(one, 1)).toEqual([bytes(1)]);
  });

  test('takes what lies in its buffer before it closes', async () => {
    const seen: number[] = [];
    const { transport, client } = await open(request => {
      seen.push(request[0] as number);
      return SILENCE;
    });
    const one = await client();
    for (let i = 0; i < 200; i++) one.send(bytes(i));
    await transport.close();
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i));
  });

  test('closes, though its callers do not stop', async () => {
    const { transport, client } = await open(echo);
    const one = await client();
    let flooding = true;
    const flood = () => {
      if (!flooding) return;
      for (let i = 0; i < 20; i++) one.send(bytes(i));
      setImmediate(flood);
    };
    flood();
    await received(one, 40);
    await transport.close();
    flooding = false;
    await open(silent, { port: transport.port });
  });

  test('tells how much the kernel holds, and what it dropped', async () => {
    const { transport, client } = await open(silent, { receiveBufferBytes: 16_384 });
    expect(transport.receiveBufferBytes).toBeGreaterThanOrEqual(16_384);
    expect(transport.receiveBufferBytes).toBeLessThan(1_000_000);
    expect(transport.kernelDrops()).toBe(0);
    const one = await client();
    for (let i = 0; i < 1_000; i++) one.send(bytes(i));
    expect(transport.kernelDrops() > 0).toBe(process.platform === 'linux');
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
    gone.close();
    const one = await client();
    for (let i = 0; i < 10; i++) transport.send(bytes(9), kept);
    one.send(bytes(2));
    transport.send(bytes(8), await peer(1));
    expect(await received(one, 1)).toEqual([bytes(8)]);
  });
});
