/** Services as processes of their own, whose links are protected by TLS and a token: as they should be, and with every mistake. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { HAS_OPENSSL, OTHER_TOKEN, TestCertificates, TOKEN } from '../support/test-certificates.ts';
import { UdpAsker } from '../support/udp-asker.ts';
import { LarsFolder, type LarsProcess, type Ready } from './cli-process.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

const MODULE = { modid: 1, cmdid: 1 };
const HOST = 1;

let folder: LarsFolder;
let certificates: TestCertificates;
let tokenFile: string;
const askers: UdpAsker[] = [];
beforeEach(() => {
  folder = new LarsFolder();
  certificates = new TestCertificates();
  tokenFile = certificates.secret('token', `${TOKEN}\n`);
});
afterEach(async () => {
  for (const asker of askers.splice(0)) asker.close();
  await folder.dispose();
  certificates.dispose();
});

const tlsOf = (machine: string, token = tokenFile) => `[security]\ntls_folder = ${machine}\ntoken_file = ${token}\n`;

async function start(name: 'dnsserver' | 'reporter', more: string, port = 0): Promise<{ running: LarsProcess; ready: Ready }> {
  folder.write(`conf/${name}.ini`, `[tcp]\nport = ${port}\n${more}[http]\nport = 0\n`);
  const running = folder.start([name, '--json']);
  return { running, ready: await running.ready };
}

async function startAgent(more: string, servers: { readonly dnsserver: number; readonly reporter: number }, list = '') {
  const links = `[dnsserver]\n${list === '' ? `port = ${servers.dnsserver}\n` : list}[reporter]\nport = ${servers.reporter}\n`;
  const times =
    '[agent]\nreconnect_min = 5\nreconnect_max = 50\nroute_wait = 5000\nabsent_ttl = 0\n[loadbalance]\nreport_timeout = 0.02\n';
  folder.write('conf/agent.ini', `[udp]\nport = 0\n[http]\nport = 0\n${links}${times}${more}`);
  const running = folder.start(['agent', '--json']);
  const ready = await running.ready;
  const asker = await UdpAsker.open(ready.agent.udpPorts);
  askers.push(asker);
  return { running, ready, asker };
}

async function details(httpPort: number): Promise<Readonly<Record<string, unknown>>> {
  return ((await (await fetch(`http://127.0.0.1:${httpPort}/healthz`)).json()) as { details: Record<string, unknown> }).details;
}

async function metrics(httpPort: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
}

function storedCalls(): number {
  const database = new Database(path.join(folder.path, 'data/lars.db'), { readonly: true });
  try {
    return (database.prepare('SELECT SUM(succ + err) AS calls FROM CallHistory').get() as { calls: number | null }).calls ?? 0;
  } finally {
    database.close();
  }
}

async function addRoute(): Promise<void> {
  const { code, err } = await folder.run(['route', 'add', '1/1', `10.0.0.1:${HOST}`]);
  expect(code, err).toBe(0);
}

describe.runIf(HAS_OPENSSL)('TLS and a token', () => {
  test.each([0, 1])('change under load, and no report is lost (%i workers of dnsserver)', async workers => {
    const machine = certificates.machine('machine');
    const dns = await start('dnsserver', `workers = ${workers}\n${tlsOf(machine)}`);
    let reporter = await start('reporter', tlsOf(machine));
    const { tcpPort } = reporter.ready.reporter;
    await addRoute();
    const agent = await startAgent(tlsOf(machine), { dnsserver: dns.ready.dnsserver.tcpPort, reporter: tcpPort });
    expect((await agent.asker.getHost(MODULE)).host?.port).toBe(HOST);
    const health = await details(agent.ready.agent.httpPort);
    expect(health).toMatchObject({ security: 'TLS and token', certificateDaysLeft: 29 });
    expect(await metrics(agent.ready.agent.httpPort)).toMatch(/^lars_agent_certificate_expires_seconds 2\d{6}/m);
    expect(await details(dns.ready.dnsserver.httpPort)).toMatchObject({ security: 'TLS and token' });

    let sent = 0;
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        await agent.asker.report(MODULE, HOST, [true, false, true]);
        sent += 3;
      }
    })();
    const all = () => [dns.running, reporter.running, agent.running];
    await eventually('reports are stored', () => storedCalls() > 0);

    // What is wrong changes nothing.
    const wellKey = certificates.text('machine/key.pem');
    certificates.secret('machine/key.pem', 'no key');
    for (const each of all()) each.signal('SIGHUP');
    for (const each of all()) await each.logged('certificates and token not reloaded, those before stay');
    certificates.secret('machine/key.pem', wellKey);

    // Another CA, another certificate, another token: only who has read them again can connect.
    certificates.machine('machine', { ca: 'other-ca' });
    writeFileSync(path.join(machine, 'ca.pem'), certificates.text('other-ca.pem'));
    certificates.secret('token', `${OTHER_TOKEN}\n`);
    for (const each of all()) each.signal('SIGHUP');
    for (const each of all()) await each.logged('certificates and token read again, for new connections');
    const before = await reporter.running.interrupt();
    expect(before.code, before.err).toBe(0);
    reporter = await start('reporter', tlsOf(machine), tcpPort);
    const storedBefore = storedCalls();
    await eventually('reports are stored again', () => storedCalls() > storedBefore);
    isOver = true;
    await load;

    const ends = [];
    for (const each of [agent.running, reporter.running, dns.running]) ends.push(await each.interrupt());
    expect(storedCalls()).toBe(sent);
    for (const { code, out, err } of [...ends, before]) {
      expect(code, err).toBe(0);
      for (const secret of [TOKEN, OTHER_TOKEN, wellKey.split('\n')[1] as string]) expect(out + err).not.toContain(secret);
    }
    expect(ends[0]?.err).not.toContain('cannot connect, retrying until it answers","error":"it does not take');
  });

  test.each([0, 1])('whoever may not is refused, and the log says why (%i workers)', async workers => {
    const machine = certificates.machine('machine');
    const dns = await start('dnsserver', `workers = ${workers}\n${tlsOf(machine)}`);
    const reporter = await start('reporter', tlsOf(machine));
    const ports = { dnsserver: dns.ready.dnsserver.tcpPort, reporter: reporter.ready.reporter.tcpPort };
    const servers = [dns.running, reporter.running];
    await addRoute();

    const expired = certificates.machine('expired', { fromDays: -20, toDays: -10 });
    const late = await startAgent(tlsOf(expired), ports);
    await late.running.logged(`[security] tls_folder: ${expired}/cert.pem: its certificate has expired on`);
    for (const server of servers) await server.logged('its certificate has expired (CERT_HAS_EXPIRED)');
    await late.running.logged('its log may say that it does not take our certificate');
    const { httpPort } = late.ready.agent;
    expect((await details(httpPort))['certificateDaysLeft']).toBeLessThan(0);
    const ended = await late.running.interrupt();
    expect(ended.code, ended.err).toBe(0);
    // One line for each link, however many attempts there were.
    expect(ended.err.match(/cannot connect, retrying until it answers/g)).toHaveLength(2);

    const foreign = certificates.machine('foreign', { ca: 'other-ca' });
    writeFileSync(path.join(foreign, 'ca.pem'), certificates.text('other-ca.pem'));
    const stranger = await startAgent(tlsOf(foreign), ports);
    await stranger.running.logged('dnsserver: cannot connect');
    await stranger.running.logged('no certificate in our ca.pem has signed its certificate');
    await stranger.running.interrupt();

    const plain = await startAgent('', ports);
    await plain.running.logged('dnsserver: connection lost');
    await eventually('it is refused and counted', async () =>
      /^lars_dnsserver_tcp_refused_tls_total [1-9]/m.test(await metrics(dns.ready.dnsserver.httpPort)),
    );
    await plain.running.interrupt();

    const wrongToken = certificates.secret('wrong-token', OTHER_TOKEN);
    const guesser = await startAgent(tlsOf(certificates.machine('guesser'), wrongToken), ports);
    await guesser.running.logged('it does not take our token');
    for (const server of servers) await server.logged('it has another token');
    await guesser.running.interrupt();

    // All that changed nothing for those who may.
    const well = await startAgent(tlsOf(certificates.machine('well')), ports);
    expect((await well.asker.getHost(MODULE)).host?.port).toBe(HOST);
    for (const server of servers) expect(await server.interrupt()).toMatchObject({ code: 0 });
  });

  test('of several servers, one that does not take the agent is passed over', async () => {
    const machine = certificates.machine('machine');
    const dns = await start('dnsserver', tlsOf(machine));
    await addRoute();
    const { tcpPort } = dns.ready.dnsserver;
    const stranger = certificates.machine('stranger', { ca: 'other-ca' });
    writeFileSync(path.join(stranger, 'ca.pem'), certificates.text('other-ca.pem'));
    const reporter = await start('reporter', tlsOf(stranger));
    // It stands for a dnsserver of another CA.
    const foreign = reporter.ready.reporter.tcpPort;
    const agent = await startAgent(
      tlsOf(machine),
      { dnsserver: 1, reporter: 1 },
      `servers = 127.0.0.1:${foreign}, 127.0.0.1:${tcpPort}\n`,
    );
    expect((await agent.asker.getHost(MODULE)).host?.port).toBe(HOST);
    await agent.running.logged('no certificate in our ca.pem has signed its certificate');
  });

  test('an agent that speaks TLS is refused where there is none', async () => {
    const dns = await start('dnsserver', '');
    const ports = { dnsserver: dns.ready.dnsserver.tcpPort, reporter: 1 };
    const agent = await startAgent(tlsOf(certificates.machine('machine')), ports);
    await agent.running.logged('as one does that speaks no TLS');
    await dns.running.logged('it speaks TLS, and [security] tls_folder is empty here');
  });

  test.each(['agent', 'dnsserver', 'reporter'])(
    '%s does not start with files that are wrong, and says which in one line',
    async name => {
      const machine = certificates.machine('machine');
      certificates.secret('machine/ca.pem', '');
      folder.write(`conf/${name}.ini`, `[http]\nport = 0\n${tlsOf(machine)}`);
      const { code, err } = await folder.run([name]);
      expect(code).toBe(1);
      expect(err.trim()).toBe(
        `lars: [security] tls_folder: ${machine}/ca.pem: has no certificate in PEM form (-----BEGIN CERTIFICATE-----)`,
      );
    },
  );

  test('other machines may reach what is protected without a warning', async () => {
    const conf = `[tcp]\nip = 0.0.0.0\nport = 0\n${tlsOf(certificates.machine('machine'))}[http]\nport = 0\n`;
    folder.write('conf/reporter.ini', conf);
    const running = folder.start(['reporter', '--json']);
    const { reporter } = await running.ready;
    expect(await details(reporter.httpPort)).not.toHaveProperty('exposed');
    expect((await running.interrupt()).err).not.toContain('other machines reach');
  });
});
