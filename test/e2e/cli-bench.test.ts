/** The built `lars bench`, with servers that are processes of their own. */
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
});
afterEach(() => folder.dispose());

const LINUX = process.platform === 'linux';
const HAS_CC = LINUX && commandWorks('cc', '--version');

function commandWorks(...[program, ...args]: readonly [string, ...string[]]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function bench(...args: readonly string[]) {
  const { code, out, err } = await folder.run(['bench', ...args, '--json']);
  expect(code, err).toBe(0);
  return JSON.parse(out);
}

describe('a system of its own', () => {
  test('agent: getHost and reports, beside the yardsticks', async () => {
    const document = await bench('agent', '--requests', '2000', '--reports', '--modules', '6', '--sockets', '2');
    const { servers, notes } = document;
    expect(document).toMatchObject({ bench: 'agent', requests: 2_000, reports: true, modules: 6, unit: 'requests' });
    const names = servers.map(({ name }: { name: string }) => name);
    expect(names.filter((name: string) => name.startsWith('agent, '))).not.toHaveLength(0);
    expect(names.includes('C echo')).toBe(HAS_CC);
    if (!HAS_CC) expect(notes.join()).toContain('No C echo');
    for (const { done, lost, counts, latencyMs, perCpuSecond } of servers) {
      expect([done + lost, counts.hostless, counts.odd]).toStrictEqual([2_000, 0, 0]);
      expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p999);
      if (LINUX) expect(perCpuSecond).toBeGreaterThan(0);
    }
  });

  test('agent: shown to people, without yardsticks, by dgram alone', async () => {
    const args = ['bench', 'agent', '--requests', '500', '--no-yardstick', '--transport', 'dgram', '--client', 'dgram'];
    const { code, out, err } = await folder.run([...args, '--algorithm', 'classic']);
    expect([code, err]).toStrictEqual([0, '']);
    expect(out).toMatch(/^lars bench agent: 1 module of 5 hosts, .*classic balancing, without reports\n\nserver +requests\/s/);
    expect(out.split('\n').filter(line => line.startsWith('agent, dgram'))).toHaveLength(1);
  });

  test('dnsserver', async () => {
    const { servers, unit } = await bench('dnsserver', '--requests', '2000', '--connections', '4', '--modules', '10');
    expect([unit, servers]).toMatchObject(['requests', [{ name: 'dnsserver', done: 2_000, lost: 0 }]]);
  });

  test('reporter: rows that are in the database', async () => {
    const { servers, unit } = await bench(
      'reporter',
      '--requests',
      '500',
      '--connections',
      '2',
      '--window',
      '50',
      '--hosts',
      '3',
    );
    expect([unit, servers]).toMatchObject(['rows', [{ name: 'reporter', done: 1_500, lost: 0, counts: { reports: 500 } }]]);
    expect(servers[0].counts.rowsInAllTables).toBeGreaterThanOrEqual(1_500);
  });
});

describe('a server that runs already', () => {
  test('is loaded, and its CPU time is that of the process that its health page names', async () => {
    folder.writeStandardConf();
    const up = folder.start(['up', '--json']);
    const { agent, dnsserver, reporter } = await up.ready;
    expect(await folder.run(['route', 'add', '7/2', '10.0.0.1:80', '--conf-dir', 'conf'])).toMatchObject({ code: 0 });
    const shared = ['--module', '7/2', '--requests', '500'];
    const against = (ports: readonly number[], http: number) =>
      ['--against', `127.0.0.1:${ports.join(',')}`, '--http', `127.0.0.1:${http}`] as const;
    const measured = [
      await bench('agent', ...shared, ...against(agent.udpPorts, agent.httpPort), '--no-yardstick'),
      await bench('dnsserver', ...shared, ...against([dnsserver.tcpPort], dnsserver.httpPort)),
      await bench('reporter', ...shared, ...against([reporter.tcpPort], reporter.httpPort), '--window', '20'),
    ];
    expect(measured.map(({ servers }) => servers[0].done)).toStrictEqual([500, 500, 2_500]);
    if (LINUX) for (const { servers } of measured) expect(servers[0].perCpuSecond).toBeGreaterThan(0);
    const missing = await folder.run([
      'bench',
      'dnsserver',
      ...against([dnsserver.tcpPort], dnsserver.httpPort),
      '--module',
      '8/8',
    ]);
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('has no hosts for modules from 8/8') });
    expect(await up.interrupt()).toMatchObject({ code: 0 });
  });

  test('that is not there ends it, and is named', async () => {
    const { code, err } = await folder.run(['bench', 'reporter', '--against', '127.0.0.1:1']);
    expect([code, err]).toStrictEqual([1, expect.stringMatching(/^lars: TCP 127\.0\.0\.1:1: [^\n]+\n$/)]);
  });

  test('that answers nothing ends it, and is named', async () => {
    const silent: Socket = createSocket('udp4');
    await new Promise<void>(resolve => silent.bind(0, '127.0.0.1', resolve));
    const { port } = silent.address();
    const { code, err } = await folder.run(['bench', 'agent', '--against', `127.0.0.1:${port},${port},${port}`]);
    silent.close();
    expect([code, err]).toStrictEqual([1, `lars: UDP 127.0.0.1:${port} does not answer\n`]);
  });
});

test.runIf(LINUX)('Ctrl-C stops everything that it has started', async () => {
  const running = folder.start(['bench', 'agent', '--seconds', '600']);
  const started = await eventually('dnsserver, reporter and two agents', () => {
    const seen = processes();
    // What the benchmark starts works in another folder.
    const parent = seen.find(({ cwd }) => cwd === folder.path);
    const children = seen.filter(({ ppid }) => ppid === parent?.pid);
    return children.length >= 4 && children.map(({ pid }) => pid);
  });
  expect(await running.interrupt()).toMatchObject({ code: 1, err: 'lars: interrupted\n' });
  expect(started.filter(pid => existsSync(`/proc/${pid}`))).toStrictEqual([]);
});

function processes(): { readonly pid: string; readonly ppid: string | undefined; readonly cwd: string }[] {
  return readdirSync('/proc').flatMap(pid => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // Behind the name, which stands in brackets, come the state and the parent.
      return [{ pid, ppid: stat.slice(stat.lastIndexOf(')')).split(' ')[2], cwd: readlinkSync(`/proc/${pid}/cwd`) }];
    } catch {
      // Not a process, not ours, or gone.
      return [];
    }
  });
}
