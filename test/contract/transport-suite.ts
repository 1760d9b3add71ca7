/** What the contract of transports is told with: which there are, handlers to give them, and clients that ask. */
import { loadLibc } from '@lars/runtime/udp/libc';
import { afterEach } from 'vitest';
import { openDgramTransport } from '../../agent/src/udp/dgram-transport.ts';
import { openTransport } from '../../agent/src/udp/open-transport.ts';
import type { CallerRef, DatagramHandler, OpenTransport, TransportOptions } from '../../agent/src/udp/transport.ts';
import { eventually } from '../support/eventually.ts';
import {
  memoryHarness,
  type OpenedTransport,
  type TransportClient,
  type TransportHarness,
  udpHarness,
} from './transport-harness.ts';

const openMmsg: OpenTransport = async options => (await openTransport('mmsg', options)).transport;

const outcome = await loadLibc();
/** Where this machine has not what it needs (test/unit/runtime/udp/libc.test.ts says where it must), mmsg is left out. */
const mmsg = 'libc' in outcome ? [udpHarness('mmsg', openMmsg)] : [];

/** Every implementation of DatagramTransport has a line here. */
export const TRANSPORTS: readonly TransportHarness[] = [udpHarness('dgram', openDgramTransport), ...mmsg, memoryHarness()];

/** A handler as the tests write it: they look at arrays, not at places within them. */
export type Answer = (request: Uint8Array, reply: Uint8Array, from: CallerRef) => number;

export const echo: Answer = (request, reply) => {
  reply.set(request);
  return request.length;
};

/** No answer. */
export const SILENCE = 0;
export const silent: Answer = () => SILENCE;

export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Opens transports of one kind, and ends after each test what was opened in it. */
export function opener(harness: TransportHarness) {
  async function open(answer: Answer, options: Partial<TransportOptions> = {}) {
    let sendErrors = 0;
    const onDatagram: DatagramHandler = (bytes, start, end, reply, replyStart, from) =>
      answer(bytes.subarray(start, end), reply.subarray(replyStart), from);
    const defaults = { ip: '127.0.0.1', port: 0, receiveBufferBytes: 4_194_304, onSendError: () => sendErrors++ };
    const opened: OpenedTransport = await harness.open({ ...defaults, onDatagram, ...options });
    cleanUps.push(() => opened.transport.close());
    const client = async (ip?: string): Promise<TransportClient> => {
      const made = await opened.client(ip);
      cleanUps.push(() => made.close());
      return made;
    };
    return { ...opened, client, sendErrors: () => sendErrors };
  }

  /** A transport that answers nothing by itself, and remembers who asked. */
  async function openLate() {
    const peers: CallerRef[] = [];
    const opened = await open((_request, _reply, from) => {
      peers.push(from);
      return SILENCE;
    });
    const peer = (index: number) => eventually(`request ${index}`, () => peers[index]);
    return { ...opened, peer };
  }
  return { open, openLate };
}

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
