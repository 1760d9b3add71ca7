/** What a client says first: PROXY headers and the server name of a ClientHello, cut anywhere; and hosts that speak first. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestAgent } from '@lars/client-sdk/testing';
import { expect, test } from 'vitest';
import { clientHello } from '../support/client-hello.ts';
import { eventually } from '../support/eventually.ts';
import { listenAtPath, openProxy } from './proxy-harness.ts';
import { connectRemote, describeEngines, listenRemote, pattern, type Remote } from './reactor-harness.ts';

const hostOf = (port: number) => `127.0.0.1:${port}`;
const SOURCE = { v1: 'PROXY TCP4 203.0.113.7 198.51.100.1 40000 443\r\n', v2: '203.0.113.7' };

/** A header of version 2 for 203.0.113.7, with so many bytes behind its addresses. */
function headerV2(tlvBytes: number): Buffer {
  const header = Buffer.alloc(28 + tlvBytes);
  header.set([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11]);
  header.writeUInt16BE(12 + tlvBytes, 14);
  header.set([203, 0, 113, 7, 198, 51, 100, 1], 16);
  header.writeUInt16BE(40_000, 24);
  header.writeUInt16BE(443, 26);
  return header;
}

async function writeInPieces(remote: Remote, bytes: Uint8Array, pieceBytes: number, pauseMs: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    remote.socket.write(bytes.subarray(at, at + pieceBytes));
    await sleep(pauseMs);
  }
}

describeEngines('PROXY headers', kind => {
  const accepting = 'accept_proxy = listed\nproxy_sources = 127.0.0.0/8\nsend_proxy = v1';

  test.each([
    ['v1, a byte at a time', Buffer.from(SOURCE.v1), 1],
    ['v2 with 300 bytes of TLVs, in pieces of 7', headerV2(300), 7],
    ['v1, in one piece with the payload', Buffer.from(SOURCE.v1), 0],
    ['v2 with TLVs, in one piece with the payload', headerV2(300), 0],
  ] as const)('%s: the host hears of the client, and gets the payload untouched', async (_, header, pieceBytes) => {
    const payload = pattern(1_024);
    const host = await listenRemote(remote => remote.socket.once('end', () => remote.socket.end()));
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners: accepting });
    const client = await connectRemote({ port: proxy.port });
    if (pieceBytes === 0) client.socket.end(Buffer.concat([header, payload]));
    else {
      await writeInPieces(client, header, pieceBytes, 2);
      client.socket.end(payload);
    }
    const remote = await eventually('a host is connected to', () => host.accepted[0]);
    await remote.ended();
    expect(remote.received.equals(Buffer.concat([Buffer.from(SOURCE.v1), payload]))).toBe(true);
    await proxy.settled();
    expect(proxy.log.join('\n')).toContain('"client":"203.0.113.7:40000"');
  });

  test.each([
    ['is cut and never goes on', SOURCE.v1.slice(0, 20), false, 'refusedHeaderTimeout'],
    ['is cut by an end', SOURCE.v1.slice(0, 20), true, 'refusedBadHeader'],
    ['is none', 'GET / HTTP/1.1\r\n\r\n', false, 'refusedBadHeader'],
    ['names a bad address', 'PROXY TCP4 1.2.3.456 1.2.3.4 1 2\r\n', false, 'refusedBadHeader'],
  ] as const)('one that %s: refused and counted', async (_, text, ends, counter) => {
    const host = await listenRemote();
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners: `${accepting}\nheader_timeout = 0.1` });
    const client = await connectRemote({ port: proxy.port });
    if (ends) client.socket.end(text);
    else client.socket.write(text);
    await eventually('it is reset', () => client.errorCode === 'ECONNRESET');
    await proxy.settled();
    expect(proxy.count(counter)).toBe(1);
    expect(host.accepted).toHaveLength(0);
    expect(proxy.agent.reports).toHaveLength(0);
  });

  test('of those who are not listed is a payload', async () => {
    const host = await listenRemote(remote => remote.socket.once('end', () => remote.socket.end()));
    const listeners = 'accept_proxy = listed\nproxy_sources = 10.0.0.0/8';
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners });
    const client = await connectRemote({ port: proxy.port });
    client.socket.end(SOURCE.v1);
    const remote = await eventually('a host is connected to', () => host.accepted[0]);
    await remote.ended();
    expect(remote.received.toString()).toBe(SOURCE.v1);
  });

  test('a UNIX socket takes and passes them on, to a host on a UNIX socket', async () => {
    const host = await listenAtPath(remote => remote.socket.once('end', () => remote.socket.end()));
    const listen = `address = unix:${host.path}.in\nmodule = 1/1\nunix_hosts = 127.0.0.1:3306=${host.path}\naccept_proxy = always\nsend_proxy = v2`;
    const proxy = await openProxy(kind, { hosts: ['127.0.0.1:3306'], listen });
    const client = await connectRemote({ path: `${host.path}.in` });
    client.socket.end(`${SOURCE.v1}hello`);
    const remote = await eventually('a host is connected to', () => host.accepted[0]);
    await remote.ended();
    expect(remote.received.equals(Buffer.concat([headerV2(0), Buffer.from('hello')]))).toBe(true);
    await proxy.settled();
  });
});

describeEngines('server names', kind => {
  async function world() {
    const serve = (name: string) => (remote: Remote) => {
      remote.socket.write(name);
      remote.socket.once('end', () => remote.socket.end());
    };
    const [fallback, db] = await Promise.all([listenRemote(serve('fallback')), listenRemote(serve('db'))]);
    const agent = createTestAgent({ routes: { '1/1': [hostOf(fallback.port)], '1/2': [hostOf(db.port)] } });
    const listen = 'module = 1/1\nserver_names = db.example=1/2, *.db.example=1/2';
    return { fallback, db, proxy: await openProxy(kind, { agent, listen }) };
  }

  test('a ClientHello of 9 KiB in three records, each in a write of its own, finds its module, and passes untouched', async () => {
    const { db, proxy } = await world();
    const hello = clientHello('DB.example', { paddingBytes: 9_000, records: 3 });
    const client = await connectRemote({ port: proxy.port });
    for (const record of hello) {
      client.socket.write(record);
      await sleep(10);
    }
    client.socket.end();
    const remote = await eventually('the host is connected to', () => db.accepted[0]);
    await remote.ended();
    expect(remote.received.equals(Buffer.concat(hello))).toBe(true);
    await proxy.settled();
  });

  test.each([
    ['other.example', 'fallback'],
    ['a.b.db.example', 'db'],
    [undefined, 'fallback'],
  ] as const)('%s goes to %s', async (name, expected) => {
    const { proxy } = await world();
    const client = await connectRemote({ port: proxy.port });
    for (const record of clientHello(name, { paddingBytes: 0, records: 1 })) client.socket.write(record);
    await eventually('the host speaks', () => client.received.toString() === expected);
  });

  test('a client that waits for the host to speak is served after the sniff time, one that speaks no TLS at once', async () => {
    const { proxy } = await world();
    const silent = await connectRemote({ port: proxy.port });
    const mail = await connectRemote({ port: proxy.port });
    mail.socket.write('EHLO a\r\n');
    await eventually(
      'both are greeted',
      () => silent.received.toString() === 'fallback' && mail.received.toString() === 'fallback',
    );
    expect(proxy.count('sniffTimeouts')).toBe(1);
    // An end instead of a word is a decision too, and reaches the host.
    const ended = await connectRemote({ port: proxy.port });
    ended.socket.end();
    await ended.ended();
    expect(ended.received.toString()).toBe('fallback');
  });

  test('without a module for the rest, others are refused', async () => {
    const proxy = await openProxy(kind, { listen: 'server_names = db.example=1/2' });
    const client = await connectRemote({ port: proxy.port });
    client.socket.write('EHLO a\r\n');
    await eventually('it is reset', () => client.errorCode === 'ECONNRESET');
    await proxy.settled();
    expect(proxy.count('refusedNoRule')).toBe(1);
  });
});
