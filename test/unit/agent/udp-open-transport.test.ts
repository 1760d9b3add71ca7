import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { StartupError } from '@lars/runtime/errors';
import { loadLibc } from '@lars/runtime/udp/libc';
import { afterEach, describe, expect, test } from 'vitest';
import { openDgramTransport } from '../../../agent/src/udp/dgram-transport.ts';
import { openTransport } from '../../../agent/src/udp/open-transport.ts';
import type { TransportChoice } from '../../../agent/src/udp/transport.ts';

const OPTIONS = { ip: '127.0.0.1', port: 0, receiveBufferBytes: 0, onDatagram: () => 0, onSendError: () => undefined };
const NO_KOFFI = { unavailable: 'the optional package koffi is not installed' };
const machine = await loadLibc();

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function opened(choice: TransportChoice, load: typeof loadLibc, options = OPTIONS) {
  const { transport, fallbackReason } = await openTransport(choice, options, load);
  cleanUps.push(() => transport.close());
  return { kind: transport.kind, fallbackReason };
}

describe('where mmsg cannot be had', () => {
  const load = async () => NO_KOFFI;

  test('auto takes dgram and says why', async () => {
    expect(await opened('auto', load)).toEqual({ kind: 'dgram', fallbackReason: NO_KOFFI.unavailable });
  });

  test('dgram says nothing: it was chosen', async () => {
    expect(await opened('dgram', load)).toEqual({ kind: 'dgram', fallbackReason: '' });
  });

  test('mmsg refuses to start, naming the conf key and the reason', async () => {
    const error = await opened('mmsg', load).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartupError);
    expect(error).toMatchObject({
      code: 'TRANSPORT_UNAVAILABLE',
      message: `conf key [udp] transport = mmsg cannot be: ${NO_KOFFI.unavailable}`,
    });
  });
});

test('dgram cannot answer who asked from port 0, and goes on', async () => {
  let errors = 0;
  const transport = await openDgramTransport({ ...OPTIONS, onSendError: () => errors++ });
  cleanUps.push(() => transport.close());
  transport.send(Uint8Array.of(1), { address: '127.0.0.1', port: 0 });
  expect(errors).toBe(1);
});

describe.runIf('libc' in machine)('where mmsg can be had', () => {
  const load = async () => machine;

  test.each([
    ['auto', 'mmsg'],
    ['mmsg', 'mmsg'],
    ['dgram', 'dgram'],
  ] as const)('%s takes %s', async (choice, kind) => {
    expect(await opened(choice, load)).toEqual({ kind, fallbackReason: '' });
  });

  test('a port that is taken is no reason to fall back', async () => {
    const taker = createSocket('udp4').bind(0, '127.0.0.1');
    cleanUps.push(() => taker.close());
    await once(taker, 'listening');
    const { port } = taker.address();
    await expect(opened('auto', load, { ...OPTIONS, port })).rejects.toMatchObject({ code: 'EADDRINUSE', syscall: 'bind' });
  });
});
