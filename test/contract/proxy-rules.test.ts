/** What is reported of hosts, what limits and time limits do, and how the proxy ends. */
import { createTestAgent } from '@lars/client-sdk/testing';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freeTcpPort } from '../support/free-ports.ts';
import { listenSilently, openProxy } from './proxy-harness.ts';
import { connectRemote, describeEngines, listenRemote, type Remote } from './reactor-harness.ts';

const hostOf = (port: number) => `127.0.0.1:${port}`;
const endWithClient = (remote: Remote) => remote.socket.once('end', () => remote.socket.end());
const greet = (remote: Remote) => {
  remote.socket.write('hello');
  endWithClient(remote);
};

describeEngines('reports', kind => {
  test('a host that answers is a success with the time that it took to accept, while the connection goes on', async () => {
    const host = await listenRemote(greet);
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    const client = await connectRemote({ port: proxy.port });
    const report = await eventually('the report', () => proxy.agent.reports[0]);
    expect(report).toMatchObject({ host: hostOf(host.port), ok: true });
    expect(report.tcostMs).toBeLessThan(5_000);
    client.socket.end();
    await proxy.settled();
    expect(proxy.agent.reports).toHaveLength(1);
  });

  test('a host that resets before it has answered is a failure; after a byte it is none', async () => {
    const host = await listenRemote(remote => {
      if (host.accepted.length === 1) remote.socket.once('data', () => remote.socket.resetAndDestroy());
      else
        remote.socket.once('data', () => remote.socket.write('a', () => setTimeout(() => remote.socket.resetAndDestroy(), 100)));
    });
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    for (let each = 0; each < 2; each++) {
      const client = await connectRemote({ port: proxy.port });
      client.socket.write('ask');
      await eventually('it is reset', () => client.errorCode === 'ECONNRESET');
      await proxy.settled();
    }
    expect(proxy.agent.reports.map(({ ok }) => ok)).toStrictEqual([false, true]);
    expect(proxy.count('earlyResets')).toBe(1);
  });

  test('a host that refuses or does not accept in time is a failure each, and the next is tried', async () => {
    const host = await listenRemote(greet);
    const [dead, silent] = [await freeTcpPort(), await listenSilently()];
    const hosts = [hostOf(dead), hostOf(silent), 'nowhere.example:80', hostOf(host.port)];
    const proxy = await openProxy(kind, { hosts, listeners: 'tries = 4\nconnect_timeout = 0.2' });
    const client = await connectRemote({ port: proxy.port });
    await eventually('the host speaks', () => client.bytes === 5);
    client.socket.end();
    await proxy.settled();
    expect(proxy.agent.reports.map(report => [report.host, report.ok])).toStrictEqual(hosts.map((name, at) => [name, at === 3]));
    expect([proxy.count('connectFailures'), proxy.count('connectTimeouts'), proxy.count('retries')]).toStrictEqual([2, 1, 3]);
  });

  test('a client that leaves before the host has accepted says nothing of it', async () => {
    const silent = await listenSilently();
    const proxy = await openProxy(kind, { hosts: [hostOf(silent)] });
    const client = await connectRemote({ port: proxy.port });
    await eventually('the host is being connected to', () => proxy.core.status().hosts[0]?.connections === 1);
    client.socket.resetAndDestroy();
    await proxy.settled();
    expect(proxy.count('clientsGone')).toBe(1);
    expect(proxy.agent.reports).toHaveLength(0);
  });

  test('a host with a name is looked up', async () => {
    const host = await listenRemote(greet);
    const proxy = await openProxy(kind, { hosts: [`here.example:${host.port}`] });
    const client = await connectRemote({ port: proxy.port });
    await eventually('the host speaks', () => client.bytes === 5);
    await eventually('the report', () => proxy.agent.reports[0]?.host === `here.example:${host.port}`);
  });
});

describeEngines('refusals', kind => {
  test.each(['agent', 'round_robin'])('a module without hosts, policy %s: a reset at once, and it is counted', async policy => {
    const proxy = await openProxy(kind, { listeners: `policy = ${policy}` });
    const client = await connectRemote({ port: proxy.port });
    await eventually('it is reset', () => client.errorCode === 'ECONNRESET');
    await proxy.settled();
    expect(proxy.count('refusedNoHosts')).toBe(1);
    proxy.agent.fail(1, 1, 'LARS_OVERLOAD');
    await connectRemote({ port: proxy.port });
    await proxy.settled();
    proxy.agent.fail(1, 1, 'LARS_AGENT_UNREACHABLE');
    await connectRemote({ port: proxy.port });
    await proxy.settled();
    expect([proxy.count('refusedUnavailable'), proxy.count('refusedNoAgent')]).toStrictEqual([1, 1]);
  });

  test.each([
    ['max_connections = 3', '', 'refusedListenerLimit'],
    ['', 'max_connections = 3', 'refusedTotalLimit'],
    ['', 'max_host_connections = 3', 'refusedHostLimit'],
  ] as const)('[listeners] %s [proxy] %s', async (listeners, proxyLines, counter) => {
    const host = await listenRemote(greet);
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners, proxy: proxyLines });
    const clients = await Promise.all(Array.from({ length: 5 }, () => connectRemote({ port: proxy.port })));
    await eventually('two are reset', () => clients.filter(({ errorCode }) => errorCode === 'ECONNRESET').length === 2);
    await eventually('three are served', () => clients.filter(({ bytes }) => bytes === 5).length === 3);
    expect(proxy.count(counter)).toBe(2);
    const said = proxy.log.filter(line => line.startsWith('connections are refused at a limit'));
    // That of hosts is in the line of each connection that came to none.
    expect(said.length).toBe(counter === 'refusedHostLimit' ? 0 : 1);
    for (const { socket } of clients) socket.destroy();
    await proxy.settled();
    const next = await connectRemote({ port: proxy.port });
    await eventually('there is room again', () => next.bytes === 5);
  });
});

describeEngines('time limits', kind => {
  test.each([
    ['idle_timeout = 0.2', 'idleTimeouts'],
    ['lifetime = 0.2', 'lifetimeTimeouts'],
  ] as const)('%s', async (listeners, counter) => {
    const host = await listenRemote(greet);
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners });
    const client = await connectRemote({ port: proxy.port });
    await eventually('both are reset', () => client.errorCode === 'ECONNRESET' && host.accepted[0]?.errorCode === 'ECONNRESET');
    await proxy.settled();
    expect(proxy.count(counter)).toBe(1);
    expect(proxy.agent.reports.map(({ ok }) => ok)).toStrictEqual([true]);
  });

  test('a client that sends a byte now and then is not at rest', async () => {
    const host = await listenRemote(remote => remote.socket.pipe(remote.socket));
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)], listeners: 'idle_timeout = 2' });
    const client = await connectRemote({ port: proxy.port });
    for (let byte = 1; byte <= 8; byte++) {
      client.socket.write('a');
      await eventually('the byte comes back', () => client.bytes === byte);
      await new Promise(resolve => setTimeout(resolve, 300));
    }
    client.socket.end();
    await proxy.settled();
    expect(proxy.count('ended')).toBe(1);
  });
});

describeEngines('the end', kind => {
  test('nothing new is accepted, a connection has time to end, and what does not end is reset', async () => {
    const host = await listenRemote(greet);
    const proxy = await openProxy(kind, { hosts: [hostOf(host.port)] });
    const [quick, slow] = [await connectRemote({ port: proxy.port }), await connectRemote({ port: proxy.port })];
    await eventually('both are served', () => quick.bytes + slow.bytes === 10);
    const stopping = proxy.core.stop(1_000);
    // What the kernel had accepted before is served.
    await eventually('nothing new is accepted', async () => {
      const next = await connectRemote({ port: proxy.port });
      next.socket.end();
      return next.errorCode === 'ECONNREFUSED';
    });
    quick.socket.end();
    await eventually('it ends in order', () => quick.hasEnded);
    expect(slow.isClosed).toBe(false);
    await stopping;
    await eventually('it is reset', () => slow.errorCode === 'ECONNRESET');
    await proxy.settled();
    expect(proxy.count('cut')).toBe(1);
    expect(proxy.count('ended')).toBeGreaterThan(0);
  });
});

describeEngines('without the agent', kind => {
  test.each(['round_robin', 'least_connections', 'hash'])('%s goes on with the route that is known', async policy => {
    const host = await listenRemote(greet);
    const agent = createTestAgent({ routes: { '1/1': [hostOf(host.port)] } });
    const proxy = await openProxy(kind, { agent, listeners: `policy = ${policy}` });
    const first = await connectRemote({ port: proxy.port });
    await eventually('the host speaks', () => first.bytes === 5);
    agent.fail(1, 1, 'LARS_AGENT_SILENT');
    const second = await connectRemote({ port: proxy.port });
    await eventually('the host speaks', () => second.bytes === 5);
    for (const { socket } of [first, second]) socket.end();
    await proxy.settled();
  });
});
