/** What proxies of others fell into: last bytes lost, half-closes taken for closes, counters that drift, dead hosts that draw all traffic. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freeTcpPort } from '../support/free-ports.ts';
import { SIZED_TIMEOUT_MS, sized } from '../support/full-size.ts';
import { listenSilently, openProxy } from './proxy-harness.ts';
import { afterTest, connectRemote, describeEngines, descriptors, listenRemote, pattern, type Remote } from './reactor-harness.ts';

vi.setConfig({ testTimeout: SIZED_TIMEOUT_MS });

const ROUNDS = sized(6, 15);
const hostOf = (port: number) => `127.0.0.1:${port}`;

describeEngines('bytes', kind => {
  test('the last bytes come, though the host closes at once and the client reads slowly', async () => {
    const reply = pattern(4 * 1_048_576 + 1_397);
    const host = await listenRemote(remote => remote.socket.end(reply));
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    const one = async () => {
      const socket = connect({ port: proxy.port, host: '127.0.0.1' });
      afterTest(() => socket.destroy());
      const chunks: Buffer[] = [];
      let hasEnded = false;
      socket.on('end', () => {
        hasEnded = true;
      });
      socket.on('error', () => undefined);
      socket.pause();
      let taken = 0;
      while (!hasEnded && !socket.destroyed) {
        // At first slowly, so that every buffer on the way is full when the host closes.
        await sleep(taken < 262_144 ? 10 : 0);
        for (let read = 0; read < 65_536; ) {
          const chunk = socket.read() as Buffer | null;
          if (chunk === null) break;
          chunks.push(chunk);
          read += chunk.length;
          taken += chunk.length;
        }
        if (taken === reply.length) socket.resume();
      }
      socket.end();
      return Buffer.concat(chunks);
    };
    for (let run = 0; run < sized(5, 25); run++) {
      const received = await Promise.all([one(), one()]);
      for (const each of received) expect(each.equals(reply)).toBe(true);
    }
    await proxy.settled();
  });

  test.each(['client', 'host'] as const)('a half-close of the %s is passed on, and the other direction goes on', async first => {
    const reply = pattern(1_048_576);
    const answer = (remote: Remote) => void remote.ended().then(() => remote.socket.end(reply));
    const host = await listenRemote(remote => (first === 'client' ? answer(remote) : remote.socket.end('req')));
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    const client = await connectRemote({ port: proxy.port });
    // The end is sent at once: it arrives before the host is connected to.
    if (first === 'client') client.socket.end('req');
    else answer(client);
    const [asked, asking] = first === 'client' ? [() => host.accepted[0], client] : [() => client, undefined];
    const remote = await eventually('the request comes', () => asked());
    await remote.ended();
    expect(remote.received.toString()).toBe('req');
    const reader = asking ?? (host.accepted[0] as Remote);
    await reader.ended();
    expect(reader.received.equals(reply)).toBe(true);
    await proxy.settled();
    expect(proxy.count('ended')).toBe(1);
  });

  test('a reset is passed on as a reset, both ways', async () => {
    const host = await listenRemote(remote => remote.socket.write('hello'));
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    for (const resetter of ['client', 'host']) {
      const client = await connectRemote({ port: proxy.port });
      await eventually('the greeting comes', () => client.bytes === 5);
      const remote = host.accepted.at(-1) as Remote;
      (resetter === 'client' ? client : remote).socket.resetAndDestroy();
      const other = resetter === 'client' ? remote : client;
      await eventually('the reset comes', () => other.errorCode === 'ECONNRESET');
    }
    await proxy.settled();
    expect([proxy.count('resetByClient'), proxy.count('resetByHost')]).toStrictEqual([1, 1]);
  });
});

describeEngines('hosts', kind => {
  test('a burst is spread evenly, though one host is slow to answer', async () => {
    const serve = (remote: Remote) => remote.socket.once('end', () => remote.socket.end());
    const hosts = await Promise.all([listenRemote(serve), listenRemote(serve), listenRemote(serve)]);
    const proxy = await openProxy(kind, {
      hosts: hosts.map(({ port }) => hostOf(port)),
      listeners: 'policy = least_connections',
    });
    const clients = await Promise.all(Array.from({ length: 30 }, () => connectRemote({ port: proxy.port })));
    await eventually('all come to hosts', () => proxy.count('relayed') === 30);
    await eventually('all are accepted', () => hosts.reduce((sum, host) => sum + host.accepted.length, 0) === 30);
    for (const host of hosts) expect(host.accepted.length).toBe(10);
    for (const { socket } of clients) socket.end();
    await proxy.settled();
  });

  test.each(['agent', 'round_robin', 'least_connections', 'hash'])(
    'a dead host costs no client anything, policy %s',
    async policy => {
      const serve = (remote: Remote) => remote.socket.end('hello');
      const hosts = await Promise.all([listenRemote(serve), listenRemote(serve)]);
      const dead = await freeTcpPort();
      const proxy = await openProxy(kind, {
        hosts: [...hosts.map(({ port }) => hostOf(port)), hostOf(dead)],
        listeners: `policy = ${policy}\ntries = 2`,
      });
      for (let round = 0; round < ROUNDS; round++) {
        const clients = await Promise.all(Array.from({ length: 20 }, () => connectRemote({ port: proxy.port })));
        for (const client of clients) {
          await client.ended();
          expect(client.received.toString()).toBe('hello');
          client.socket.end();
        }
      }
      await proxy.settled();
      // The agent in memory learns nothing; the others leave a host out that has just failed.
      if (policy !== 'agent') expect(proxy.count('connectFailures')).toBeLessThanOrEqual(20);
      expect(proxy.agent.reports.filter(({ ok }) => !ok)).toHaveLength(proxy.count('connectFailures'));
      expect(proxy.agent.reports.filter(({ ok }) => ok)).toHaveLength(20 * ROUNDS);
    },
  );

  test('no host gets more than its limit, however routes change', async () => {
    let most = 0;
    const host = await listenRemote(() => {
      most = Math.max(most, host.accepted.filter(({ isClosed }) => !isClosed).length);
    });
    const proxy = await openProxy(kind, {
      hosts: [hostOf(host.port)],
      listeners: 'policy = round_robin',
      proxy: 'max_host_connections = 5',
    });
    for (let flip = 0; flip < 10; flip++) {
      proxy.agent.setRoute(1, 1, flip % 2 === 0 ? [{ host: hostOf(host.port), drain: true }] : [hostOf(host.port)]);
      const clients = await Promise.all(Array.from({ length: 20 }, () => connectRemote({ port: proxy.port })));
      await eventually('the rest is refused', () => clients.filter(({ isClosed }) => isClosed).length >= 15);
      for (const { socket } of clients) socket.resetAndDestroy();
      await proxy.settled();
    }
    expect(most).toBeLessThanOrEqual(5);
    expect(most).toBeGreaterThan(0);
  });
});

describeEngines('counters', kind => {
  test('come back to zero after clients that leave early, refused and unanswered connects, and resets', async () => {
    const host = await listenRemote(remote => {
      remote.socket.write('hello');
      remote.socket.once('end', () => remote.socket.end());
      if (host.accepted.length % 3 === 0) remote.socket.resetAndDestroy();
    });
    const silent = await listenSilently();
    const dead = await freeTcpPort();
    const proxy = await openProxy(kind, {
      hosts: [hostOf(host.port), hostOf(dead), 'nowhere.example:80', hostOf(silent)],
      listeners: 'tries = 2\nconnect_timeout = 0.05',
    });
    const before = descriptors();
    for (let round = 0; round < sized(10, 40); round++) {
      const sockets = Array.from({ length: 50 }, (_, at) => {
        const socket = connect({ port: proxy.port, host: '127.0.0.1' });
        socket.on('error', () => undefined);
        if (at % 2 === 0) socket.once('connect', () => socket.resetAndDestroy());
        else socket.once('data', () => socket.end());
        return socket;
      });
      await eventually('all are closed', () => sockets.every(({ closed }) => closed));
    }
    await proxy.settled();
    expect(proxy.count('accepted')).toBe(sized(500, 2_000));
    for (const name of ['connectTimeouts', 'connectFailures', 'clientsGone', 'refusedNoHostLeft', 'ended'] as const)
      expect([name, proxy.count(name)]).not.toStrictEqual([name, 0]);
    for (const remote of host.accepted) remote.socket.destroy();
    await eventually('all descriptors are given back', () => descriptors() <= before + 8);
    expect(proxy.agent.reports.length).toBe(proxy.count('reportedSuccesses') + proxy.count('reportedFailures'));
  });
});
