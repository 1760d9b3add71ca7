import { createSocket } from 'node:dgram';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { VERSION } from '@lars/runtime/version';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fileProblems } from '../../../cli/src/doctor/file-problems.ts';
import { listenerOf, openFilesOf } from '../../../cli/src/doctor/proc-facts.ts';
import { serviceProblems, versionProblems } from '../../../cli/src/doctor/service-problems.ts';
import type { ServiceStatus } from '../../../cli/src/system/service-status.ts';
import { runMain } from '../../support/memory-terminal.ts';

type Service = ServiceStatus['service'];
type Details = Record<string, string | number | boolean>;

function well(service: Service, details: Details = {}, version = VERSION): ServiceStatus {
  const health = { service, status: 'ok', pid: 1, uptimeSeconds: 1, version, details } as const;
  return { service, asked: 'http://127.0.0.1:1/healthz', status: 'ok', health };
}

function problems(status: ServiceStatus, more: Partial<Parameters<typeof serviceProblems>[0]> = {}) {
  return serviceProblems({ status, taken: [], openFiles: 1_024, maxConnections: undefined, ...more });
}

test.each<[string, Service, Details, RegExp]>([
  ['its database', 'reporter', { outage: 'write: disk full' }, /^reporter: write: disk full/],
  ['kept hosts', 'dnsserver', { emptyGuard: 'hosts kept: 3 in 1 modules; type' }, /^dnsserver serves hosts kept: 3 in 1 modules/],
  ['no dnsserver', 'agent', { dnsserver: '10.0.0.1:7778 not connected' }, /no dnsserver at 10\.0\.0\.1:7778: changes of routes/],
  ['no reporter', 'agent', { reporter: '10.0.0.1:7779 not connected' }, /no reporter at 10\.0\.0\.1:7779/],
  [
    'a server that is down',
    'agent',
    { dnsserver: 'a:1 connected since x, b:1 down' },
    /^of the agent's dnsservers some are down/,
  ],
  ['old routes', 'agent', { oldRoutes: 2, oldRoutesAgeSeconds: 90 }, /^2 routes of the agent not confirmed for 1m 30s/],
  ['drops', 'agent', { kernelDrops: 5, receiveBufferBytes: 212_992 }, /^the kernel has dropped 5 datagrams/],
  ['dgram', 'agent', { transportFallback: 'koffi is not installed' }, /one by one: koffi is not installed/],
  ['dead threads', 'agent', { threadRestarts: 1 }, /^1 thread of the agent died/],
  [
    'replaced threads of a proxy',
    'proxy',
    { agent: 'answers', threadRestarts: 2 },
    /^2 threads of the proxy died and were started/,
  ],
  ['silent threads', 'agent', { threadSilences: 2 }, /hung 2 times for 3 s/],
  ['lag', 'reporter', { queueRows: 60_000 }, /lags: 60,000 rows wait/],
  ['clocks', 'reporter', { clockSkew: '10.0.0.9 is 90 s behind' }, /^the clock of agents' machine 10\.0\.0\.9 is 90 s behind/],
  ['a proxy without agent', 'proxy', { agent: 'away' }, /^the proxy gets no answer from the agent/],
  [
    'few files',
    'proxy',
    { agent: 'answers', neededFiles: 40_100, maxConnections: 480 },
    /^the proxy may open 1024 files, and needs 40100.*accepts 480$/,
  ],
  [
    'few files of a dispatcher',
    'dispatcher',
    { workers: 1, neededFiles: 1_025 },
    /^the dispatcher may open 1024 files, and needs 1025/,
  ],
  ['a proxy with dead threads', 'proxy', { agent: 'answers', deadThreads: 2 }, /^2 threads of the proxy died/],
  ['a dispatcher without workers', 'dispatcher', { workers: 0, reason: 'no worker is there' }, /^the dispatcher has no worker/],
  ['waiting connections', 'dispatcher', { workers: 2, reason: 'connections wait' }, /^of the dispatcher, connections wait/],
  ['exposure', 'agent', { exposed: '[udp] ip = 0.0.0.0' }, /other machines reach agent/],
])('an answer that tells of %s is one problem, with what to do', (_, service, details, what) => {
  const usual = {
    dnsserver: '1:1 connected',
    reporter: '1:1 connected',
    kernelDrops: 0,
    neededFiles: 1_024,
    emptyGuard: 'inactive',
    queueRows: 3,
  };
  expect(problems(well(service, usual))).toEqual([]);
  const found = problems(well(service, { ...usual, ...details }));
  expect(found).toEqual([
    { level: expect.any(String), what: expect.stringMatching(what), todo: expect.stringMatching(/^[a-z].{10}/) },
  ]);
});

test('a service that is away, and who has its port; one that has too few files', () => {
  const down = { service: 'agent', asked: 'http://127.0.0.1:7782/healthz', status: 'down', why: 'ECONNREFUSED' } as const;
  const found = { level: 'wrong', what: expect.stringContaining('ECONNREFUSED'), todo: expect.stringContaining('lars agent') };
  expect(problems(down)).toEqual([found]);
  const nginx = { name: 'nginx (pid 12)', pid: 12, command: ['nginx', 'lars'] };
  expect(problems(down, { taken: [{ confKey: '[http] port = 7782', holder: nginx }] })[0]?.what).toBe(
    'agent does not answer at http://127.0.0.1:7782/healthz; nginx (pid 12) has [http] port = 7782',
  );
  for (const command of [
    ['node', '/usr/bin/lars', 'agent'],
    ['/opt/node', '--inspect', 'cli/bin/lars.js', '--json', 'up'],
  ]) {
    const taken = [{ confKey: '[http] port = 7782', holder: { name: 'lars (pid 13)', pid: 13, command } }];
    expect(problems(down, { taken })).toMatchObject([
      { what: expect.stringContaining('though it runs (lars (pid 13))'), todo: expect.stringContaining('kill -9 13') },
    ]);
  }
  expect(problems(well('dnsserver'), { maxConnections: 900 })).toEqual([]);
  expect(problems(well('dnsserver'), { maxConnections: 1_000 })[0]?.todo).toContain('LimitNOFILE');
});

describe('a server that the agent has not', () => {
  const address = '10.0.0.1:7778';
  const without = well('agent', { dnsserver: `${address} not connected`, reporter: '1:1 connected' });
  const failure = `connect ECONNREFUSED ${address}`;

  test('is said to be out of reach, with the reason', () => {
    expect(problems(without, { reached: [{ server: 'dnsserver', address, failure }] })).toMatchObject([
      { what: `the agent has no dnsserver at ${address}: changes of routes do not arrive (${failure})` },
    ]);
  });

  test('and can be reached has other secrets', () => {
    const [problem] = problems(without, { reached: [{ server: 'dnsserver', address, failure: undefined }] });
    expect(problem?.todo).toMatch(/^it can be reached, so see \[security\]/);
  });

  test('is told of an agent that does not run, too', () => {
    const down = { service: 'agent', asked: 'x', status: 'down', why: 'ECONNREFUSED' } as const;
    const reached = [
      { server: 'dnsserver', address, failure: undefined },
      { server: 'reporter', address: 'a:7779', failure: 'getaddrinfo ENOTFOUND a' },
    ] as const;
    expect(problems(down, { reached })).toMatchObject([
      { what: expect.stringMatching(/^agent does not answer/) },
      { what: 'reporter a:7779, which agent.ini names, cannot be reached: getaddrinfo ENOTFOUND a' },
    ]);
  });
});

test('versions that differ', () => {
  expect(versionProblems([well('agent'), well('reporter')], VERSION)).toEqual([]);
  expect(versionProblems([well('agent', {}, '0.0.9')], '0.1.0')).toMatchObject([
    { what: 'several versions run: this command 0.1.0; agent 0.0.9' },
  ]);
});

test('files and disks', () => {
  const usual = {
    file: 'data/lars.db',
    confKey: '[database] file',
    mode: 0o100_640,
    folderMode: 0o40_755,
    freeBytes: 2 ** 40,
    isFolderWritable: true,
  };
  const levels = (facts: Partial<typeof usual>) =>
    fileProblems({ ...usual, ...facts }).map(({ level, what }) => `${level}: ${what}`);
  expect(levels({})).toEqual([]);
  expect(levels({ mode: 0o100_644 })).toEqual([]);
  expect(levels({ mode: 0o100_666 })[0]).toMatch(/^wrong: every user may write/);
  expect(levels({ freeBytes: 100 * 2 ** 20 })).toEqual(['soon: the disk of data/lars.db ([database] file) has 100 MB left']);
  expect(levels({ freeBytes: 2 ** 20 })[0]).toMatch(/^wrong: .* has 1\.0 MB left$/);
  expect(levels({ folderMode: 0o41_777 })).toEqual([]);
  expect(levels({ folderMode: 0o40_777 })[0]).toMatch(/^wrong: every user may replace data\/lars\.db/);
  expect(levels({ isFolderWritable: false })[0]).toMatch(/^soon: this user may not write/);
});

describe('on a machine', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'lars-doctor-'));
    mkdirSync(path.join(folder, 'conf'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const conf = (name: string, text: string) => writeFileSync(path.join(folder, 'conf', name), text);
  const doctor = (...args: readonly string[]) => runMain('doctor', '--conf-dir', path.join(folder, 'conf'), ...args);

  test('what listens on a port of a service, and files that all may write, are found and change nothing', async () => {
    const other = createServer((_, response) => response.end('no LARS'));
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const file = path.join(folder, 'lars.db');
    writeFileSync(file, '');
    chmodSync(file, 0o666);
    // A reporter of this machine may have the default port.
    conf('reporter.ini', `[http]\nport = ${port}\n[tcp]\nport = 1\n[database]\nfile = ${file}\n`);
    try {
      const { exitCode, out } = await doctor('--json');
      expect(exitCode).toBe(1);
      const document = JSON.parse(out);
      expect(document).toMatchObject({
        ok: false,
        looked: [expect.stringContaining('reporter.ini'), 'services: reporter', `files: ${file}`],
      });
      const whats = document.problems.map(({ what }: { what: string }) => what);
      expect(whats).toContainEqual(expect.stringMatching(/^reporter does not answer at .*; .+ has \[http\] port = \d+$/));
      expect(whats).toContainEqual(expect.stringContaining(`every user may write ${file}`));
      const text = (await doctor()).out;
      expect(text).toMatch(/\nwrong {2}reporter does not answer/);
      expect(text).toContain('       → ');
      expect(text).toMatch(/\n\d+ problems\n$/);
      expect(
        Math.max(
          ...text
            .split('\n')
            .filter(line => !line.includes(folder))
            .map(line => line.length),
        ),
      ).toBeLessThanOrEqual(100);
      expect(listenerOf(port)).toMatchObject({ name: expect.stringMatching(/\(pid \d+\)$/), pid: process.pid });
    } finally {
      other.closeAllConnections();
      other.close();
    }
    expect(openFilesOf(process.pid)).toBeGreaterThan(0);
    expect(openFilesOf(2 ** 22 + 1)).toBeUndefined();
  });

  test('who takes datagrams on a port is found, and which servers of a conf cannot be reached', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port: reached } = server.address() as AddressInfo;
    try {
      const agent = `[http]\nport = 1\n[udp]\nport = ${port - 1}\n[dnsserver]\nport = ${reached}\n`;
      conf('agent.ini', `${agent}[reporter]\nport = 1\n`);
      const { out } = await doctor('--json');
      const whats = JSON.parse(out).problems.map(({ what }: { what: string }) => what);
      expect(whats).toContainEqual(expect.stringMatching(`; .* \\(pid ${process.pid}\\) has port ${port} of \\[udp\\]$`));
      expect(whats.filter((what: string) => what.includes('cannot be reached'))).toEqual([
        expect.stringMatching(/^reporter 127\.0\.0\.1:1, .*ECONNREFUSED/),
      ]);
    } finally {
      socket.close();
      server.close();
    }
  });

  test('a conf file that is wrong comes first', async () => {
    conf('agent.ini', '[udp]\nprot = 1\n');
    expect(await doctor()).toMatchObject({ exitCode: 1, out: expect.stringContaining('agent.ini:2: [udp] prot: unknown key') });
  });

  test('lars status asks what has a conf file here, or what is named', async () => {
    conf('agent.ini', '[http]\nport = 1\n');
    const status = async (...named: readonly string[]) => {
      const { out } = await runMain('status', ...named, '--json', '--conf-dir', path.join(folder, 'conf'));
      return JSON.parse(out).services.map(({ service }: { service: string }) => service);
    };
    expect(await status()).toEqual(['agent']);
    expect(await status('agent', 'reporter')).toEqual(['reporter', 'agent']);
    expect(await runMain('status', 'agnet')).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("'agnet' is no service"),
    });
    rmSync(path.join(folder, 'conf', 'agent.ini'));
    // And a proxy, if one runs on this machine.
    expect((await status()).slice(0, 3)).toEqual(['dnsserver', 'reporter', 'agent']);
  });
});
