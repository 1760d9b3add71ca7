/** Ends of all sorts at bad moments, and bytes that TCP treats in a way of its own: nothing is lost, and nothing is left behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestAgent } from '@lars/client-sdk/testing';
import { loadNative } from '@lars/syscalls/native';
import { expect, test } from 'vitest';
import { clientHello } from '../support/client-hello.ts';
import { eventually } from '../support/eventually.ts';
import { listenAtPath, listenSilently, openProxy } from './proxy-harness.ts';
import { connectRemote, describeEngines, descriptors, listenRemote, pattern, type Remote } from './reactor-harness.ts';

const hostOf = (port: number) => `127.0.0.1:${port}`;
const MSG_OOB = 1;
const HEADER = 'PROXY TCP4 203.0.113.7 198.51.100.1 40000 443\r\n';

/** @returns undefined where the system's calls cannot be made */
async function urgentSender(): Promise<((remote: Remote) => number) | undefined> {
  const outcome = await loadNative(native => ({
    send: native.define('send', 'int', 'uintptr_t', 'ulong', 'int'),
    addressOf: native.addressOf,
  }));
  if ('unavailable' in outcome) return undefined;
  const { send, addressOf } = outcome.bound;
  const byte = new ArrayBuffer(1);
  return ({ socket }) => send((socket as unknown as { _handle: { fd: number } })._handle.fd, addressOf(byte), 1, MSG_OOB);
}

const sendUrgent = await urgentSender();

describeEngines('an urgent byte', kind => {
  test.runIf(sendUrgent !== undefined).each([
    ['of the client, in a small message', 'client', 5, 0],
    ['of the host, in a small message', 'host', 5, 0],
    ['of the client, in a conversation', 'client', 5, 10],
    ['of the host, in a conversation', 'host', 5, 10],
    ['of the client, in bulk', 'client', 4_000_000, 0],
    ['of the host, in bulk', 'host', 4_000_000, 0],
    ['of the client, in bulk behind a conversation', 'client', 4_000_000, 10],
  ] as const)('%s: what comes before and behind it arrives', async (_, who, length, messages) => {
    const host = await listenRemote();
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    const client = await connectRemote({ port: proxy.port });
    const remote = await eventually('the host is connected to', () => host.accepted[0]);
    const [from, to] = who === 'client' ? [client, remote] : [remote, client];
    const bytes = pattern(length);
    for (let message = 1; message <= messages; message++) {
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        one.socket.write('m');
        await eventually('the message is there', () => other.bytes === message);
      }
    }
    to.socket.pause();
    from.socket.write(bytes);
    // What is stuck on the way is as much as all buffers take, so that the urgent byte stands in the middle of it.
    await eventually('all buffers are full', () => from.socket.writableLength === 0 || to.socket.readableLength > 0);
    await sleep(length > 1_000 ? 100 : 0);
    expect(sendUrgent?.(from)).toBe(1);
    from.socket.write('behind');
    to.socket.resume();
    await eventually('all has come', () => to.bytes === messages + length + 6);
    from.socket.end();
    await to.ended();
    expect(to.received.equals(Buffer.concat([Buffer.from('m'.repeat(messages)), bytes, Buffer.from('behind')]))).toBe(true);
    to.socket.end();
    await proxy.settled();
    expect(proxy.count('ended')).toBe(1);
  });
});

describeEngines('a reset', kind => {
  test.each(['client', 'host'] as const)('of the %s while every buffer on the way is full is passed on', async who => {
    const host = await listenRemote(remote => remote.socket.write(pattern(20_000_000)));
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    const before = descriptors();
    const client = await connectRemote({ port: proxy.port });
    client.socket.pause();
    const remote = await eventually('the host is connected to', () => host.accepted[0]);
    await sleep(150);
    (who === 'client' ? client : remote).socket.resetAndDestroy();
    client.socket.resume();
    const other = who === 'client' ? remote : client;
    await eventually('the reset comes', () => other.errorCode !== undefined);
    expect(other.hasEnded).toBe(false);
    await proxy.settled();
    expect(proxy.count(who === 'client' ? 'resetByClient' : 'resetByHost')).toBe(1);
    // Pipes are kept for the next ones.
    await eventually('descriptors are given back', () => descriptors() <= before + 8);
  });

  test('of both at once counts once', async () => {
    const host = await listenRemote(remote => remote.socket.write('hello'));
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    const clients = await Promise.all(Array.from({ length: 20 }, () => connectRemote({ port: proxy.port })));
    await eventually('all are served', () => clients.every(({ bytes }) => bytes === 5));
    for (const [at, client] of clients.entries()) {
      client.socket.resetAndDestroy();
      host.accepted[at]?.socket.resetAndDestroy();
    }
    await proxy.settled();
    expect(proxy.count('resetByClient') + proxy.count('resetByHost')).toBe(20);
  });
});

describeEngines('a PROXY header', kind => {
  test.each([
    ['the payload', pattern(100)],
    ['nothing', Buffer.alloc(0)],
  ] as const)('that is cut anywhere, with %s and the end behind it, is read', async (_, payload) => {
    const host = await listenRemote(remote => remote.socket.once('end', () => remote.socket.end()));
    const listeners = 'accept_proxy = always\nsend_proxy = v1';
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners });
    const whole = Buffer.concat([Buffer.from(HEADER), payload]);
    const cuts = Array.from({ length: HEADER.length + 1 }, (_, cut) => cut);
    const clients = await Promise.all(cuts.map(() => connectRemote({ port: proxy.port })));
    for (const cut of cuts) if (cut > 0) clients[cut]?.socket.write(whole.subarray(0, cut));
    await sleep(20);
    for (const cut of cuts) clients[cut]?.socket.end(whole.subarray(cut));
    await eventually('all come to the host', () => host.accepted.length === cuts.length);
    await Promise.all(host.accepted.map(remote => remote.ended()));
    for (const { received } of host.accepted) expect(received.equals(whole)).toBe(true);
    await proxy.settled();
    expect(proxy.count('ended')).toBe(cuts.length);
  });
});

describeEngines('a side that waits', kind => {
  test('for the other one, closed half or altogether, costs nothing', async () => {
    const host = await listenAtPath(() => undefined);
    const listen = `address = unix:${host.path}.in\nmodule = 1/1\nunix_hosts = 127.0.0.1:1=${host.path}`;
    const proxy = await openProxy(kind, { hosts: ['127.0.0.1:1'], listen });
    const clients = await Promise.all(Array.from({ length: 40 }, () => connectRemote({ path: `${host.path}.in` })));
    for (const { socket } of clients) socket.write('a');
    await eventually('all come to the host', () => host.accepted.filter(({ bytes }) => bytes === 1).length === 40);
    for (const [at, { socket }] of clients.entries()) if (at % 2 === 0) socket.end();
    for (const [at, { socket }] of host.accepted.entries()) if (at % 4 === 1) socket.destroy();
    for (const [at, { socket }] of clients.entries()) if (at % 4 === 2) socket.destroy();
    await sleep(50);
    const before = process.cpuUsage();
    await sleep(400);
    const { user, system } = process.cpuUsage(before);
    expect(user + system).toBeLessThan(200_000);
    for (const { socket } of [...clients, ...host.accepted]) socket.destroy();
    await proxy.settled();
  });
});

describeEngines('a ClientHello', kind => {
  test('that is cut anywhere, with the end behind it, goes by its name, untouched', async () => {
    const [db, other] = [
      await listenRemote(remote => remote.socket.once('end', () => remote.socket.end())),
      await listenRemote(),
    ];
    const agent = createTestAgent({ routes: { '1/1': [hostOf(other.port)], '1/2': [hostOf(db.port)] } });
    const listen = 'module = 1/1\nserver_names = db.example=1/2\nsniff_timeout = 10000';
    const proxy = await openProxy(kind, { agent, listen });
    const hello = Buffer.concat(clientHello('db.example', { paddingBytes: 0, records: 2 }));
    const cuts = Array.from({ length: hello.length }, (_, cut) => cut);
    const clients = await Promise.all(cuts.map(() => connectRemote({ port: proxy.port })));
    for (const cut of cuts) if (cut > 0) clients[cut]?.socket.write(hello.subarray(0, cut));
    await sleep(20);
    for (const cut of cuts) clients[cut]?.socket.end(hello.subarray(cut));
    await proxy.settled();
    expect([db.accepted.length, other.accepted.length, proxy.count('ended')]).toEqual([hello.length, 0, hello.length]);
    for (const { received } of db.accepted) expect(received.equals(hello)).toBe(true);
  });
});

describeEngines('a time limit', kind => {
  test.each(['client', 'host'] as const)(
    'half_close_timeout ends what the %s has half closed, though the other one reads nothing',
    async who => {
      const host = await listenRemote();
      const listeners = 'half_close_timeout = 0.1\nidle_timeout = 60';
      const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners });
      const client = await connectRemote({ port: proxy.port });
      const remote = await eventually('the host is connected to', () => host.accepted[0]);
      const [first, second] = who === 'client' ? [client, remote] : [remote, client];
      second.socket.pause();
      first.socket.end('a');
      await proxy.settled();
      expect(proxy.count('idleTimeouts')).toBe(1);
    },
  );

  test('lifetime ends a connection that has no host yet, and says nothing of the host', async () => {
    const silent = await listenSilently();
    const proxy = await openProxy(kind, {
      hosts: [hostOf(silent)],
      listeners: 'lifetime = 0.1\nconnect_timeout = 20\nheader_timeout = 20\naccept_proxy = always',
    });
    const clients = [await connectRemote({ port: proxy.port }), await connectRemote({ port: proxy.port })];
    clients[0]?.socket.write(HEADER);
    clients[1]?.socket.write(HEADER.slice(0, 10));
    await eventually('both are reset', () => clients.every(({ errorCode }) => errorCode === 'ECONNRESET'));
    await proxy.settled();
    expect([proxy.count('lifetimeTimeouts'), proxy.agent.reports.length]).toEqual([2, 0]);
  });
});
