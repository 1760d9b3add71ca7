import { LarsClient } from '@lars/client-sdk';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { askHealth } from '../../cli/src/system/ask-health.ts';
import { eventually } from '../support/eventually.ts';
import { agentOf, LarsFolder, type Ready } from './cli-process.ts';

// Many processes on a machine that may have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
});
afterEach(() => folder.dispose());

/** Resolves when the agent has the module's route: changes travel, and nobody says when they have arrived. */
async function routeArrives({ agent }: Ready, modid: number, cmdid: number): Promise<void> {
  const client = new LarsClient({ host: agent.ip, ports: agent.udpPorts });
  try {
    await client.register(modid, cmdid);
  } finally {
    await client.close();
  }
}

/** Resolves when the agent knows that some host of the module drains. */
async function drainArrives({ agent }: Ready, modid: number, cmdid: number): Promise<void> {
  const client = new LarsClient({ host: agent.ip, ports: agent.udpPorts });
  try {
    await eventually('a host drains', async () => (await client.getRoute(modid, cmdid)).hosts.some(host => host.drain));
  } finally {
    await client.close();
  }
}

/** How many getHost requests the agent has counted. */
async function getHostCount({ agent }: Ready): Promise<number> {
  const answer = await askHealth('127.0.0.1', agent.httpPort);
  return answer.kind === 'health' ? Number(answer.health.details['getHost']) : 0;
}

async function json(args: readonly string[], input?: string) {
  const { code, out, err } = await folder.run(['--json', ...args], input);
  return { code, err, document: JSON.parse(out) };
}

describe('a system', () => {
  test('runs, routes, picks, counts, and is the same after it was stopped and started again', async () => {
    folder.writeStandardConf();
    const first = folder.start(['up', '--json']);
    const ready = await first.ready;
    expect(ready).toMatchObject({ event: 'ready', dnsserver: { database: 'data/lars.db', conf: 'conf/dnsserver.ini' } });
    const agent = agentOf(ready);

    expect(await json(['gethost', '1', '1', agent])).toMatchObject({ code: 1, document: { error: { code: 'LARS_NO_EXIST' } } });

    const added = await folder.run(['route', 'add', '1/1', '127.0.0.1:9001', '--weight', '50', '--zone', 'here']);
    expect(added).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^1\/1: 1 host added in 1 module; revision \d+\n$/),
      err: '',
    });
    await routeArrives(ready, 1, 1);
    expect(await folder.run(['gethost', '1', '1', agent])).toStrictEqual({ code: 0, out: '127.0.0.1:9001\n', err: '' });
    expect(await json(['getroute', '1/1', agent])).toMatchObject({
      code: 0,
      document: { modid: 1, cmdid: 1, hosts: [{ host: '127.0.0.1', port: 9001, weight: 50, zone: 'here', drain: false }] },
    });

    expect(await folder.run(['report', '1', '1', '127.0.0.1:9001', '--ok', agent])).toMatchObject({ code: 0, err: '' });
    expect(await json(['report', '1', '1', '127.0.0.1:9009', '--fail', agent])).toMatchObject({
      code: 1,
      document: { error: { code: 'NO_SUCH_HOST' } },
    });

    expect(
      await json(['simulate', '1', '1', '--calls', '500', '--fail', '127.0.0.1:9001=0.02', '--seed', '1', '--yes', agent]),
    ).toMatchObject({
      code: 0,
      document: {
        end: 'done',
        calls: 500,
        seed: 1,
        hosts: [{ host: '127.0.0.1', port: 9001, weight: 50, zone: 'here', drain: false }],
      },
    });

    const stopped = await first.interrupt();
    expect(stopped.code, stopped.err).toBe(0);
    expect(stopped.tookMs).toBeLessThan(3_000);

    const second = folder.start(['up', '--json']);
    const again = await second.ready;
    await routeArrives(again, 1, 1);
    expect(await folder.run(['gethost', '1', '1', agentOf(again)])).toMatchObject({ code: 0, out: '127.0.0.1:9001\n' });
    expect(await second.interrupt()).toMatchObject({ code: 0 });
  });

  test('hears from the database, through its agent, which hosts drain', async () => {
    folder.writeStandardConf();
    const running = folder.start(['up', '--json']);
    const ready = await running.ready;
    await folder.runHere(['route', 'add', '1/1', '127.0.0.1:9001', '127.0.0.1:9002']);
    await routeArrives(ready, 1, 1);
    await folder.runHere(['route', 'drain', '1/1', '127.0.0.1:9002']);
    await drainArrives(ready, 1, 1);
    expect(await json(['getroute', '1/1', agentOf(ready)])).toMatchObject({
      document: {
        hosts: [
          { port: 9001, drain: false },
          { port: 9002, drain: true },
        ],
      },
    });
    expect((await folder.runHere(['getroute', '1/1', agentOf(ready)])).out).toMatch(
      /^127\.0\.0\.1:9001 +100\n127\.0\.0\.1:9002 +100 +yes\n/m,
    );
    expect(await running.interrupt()).toMatchObject({ code: 0 });
  });

  test('is found through its conf files, and says how it is', async () => {
    folder.writeStandardConf();
    const running = folder.start(['up', '--json']);
    const ready = await running.ready;
    // Module 1/2 belongs to the first of the agent's ports; the conf file of an agent with picked ports names but one.
    await folder.runHere(['route', 'add', '1/2', '127.0.0.1:9001']);
    await routeArrives(ready, 1, 2);
    const http = (port: number) => `[http]\nport = ${port}\n`;
    folder.write('seen/dnsserver.ini', http(ready.dnsserver.httpPort));
    folder.write('seen/reporter.ini', http(ready.reporter.httpPort));
    folder.write('seen/agent.ini', `[udp]\nport = ${ready.agent.udpPorts[0]}\n${http(ready.agent.httpPort)}`);

    expect(await folder.runHere(['gethost', '1', '2', '--conf-dir', 'seen'])).toMatchObject({ code: 0, out: '127.0.0.1:9001\n' });
    const { code, document } = await json(['status', '--conf-dir', 'seen']);
    expect(document).toMatchObject({
      ok: true,
      services: [
        { service: 'dnsserver', status: 'ok', health: { pid: ready.pid } },
        { service: 'reporter', status: 'ok', health: { pid: ready.pid } },
        { service: 'agent', status: 'ok', health: { pid: ready.pid } },
      ],
    });
    expect(code).toBe(0);

    folder.write('seen/reporter.ini', http(ready.dnsserver.httpPort));
    expect(await json(['status', '--conf-dir', 'seen'])).toMatchObject({
      code: 1,
      document: {
        ok: false,
        services: [
          { status: 'ok' },
          { service: 'reporter', status: 'down', why: 'the dnsserver answers there' },
          { status: 'ok' },
        ],
      },
    });

    expect(await running.interrupt()).toMatchObject({ code: 0 });
    const down = await folder.runHere(['status', '--conf-dir', 'seen']);
    expect(down.code).toBe(1);
    expect(down.out.match(/ down /g)).toHaveLength(3);
  });

  test('is what a simulation runs against; Ctrl-C ends one early and shows what has been done', async () => {
    folder.writeStandardConf({ agent: '[loadbalance]\nalgorithm = classic\n' });
    const running = folder.start(['up', '--json']);
    const ready = await running.ready;
    await folder.runHere(['route', 'add', '1/1', '127.0.0.1:9001', '127.0.0.1:9002']);
    await routeArrives(ready, 1, 1);

    const failing = await json(['simulate', '1', '1', '--calls', '400', '--fail', '127.0.0.1=100%', '--yes', agentOf(ready)]);
    expect(failing).toMatchObject({ code: 0, document: { calls: 400 } });
    const { hosts, overloads, failures } = failing.document;
    expect(overloads).toBeGreaterThan(0);
    expect(failures).toBe(400 - overloads);
    expect(hosts.map(({ port }: { port: number }) => port)).toStrictEqual([9001, 9002]);
    expect(await folder.run(['simulate', '1', '1', '--calls', '5', '--fail', '127.0.0.1:9003=1', agentOf(ready)])).toMatchObject({
      code: 2,
      err: expect.stringContaining('the module has no such host; it has 127.0.0.1:9001, 127.0.0.1:9002'),
    });

    const calls = ['--calls', '100000000', '--rate', '50', '--yes'];
    const endless = folder.start(['simulate', '1', '1', ...calls, '--json', agentOf(ready)]);
    const before = await getHostCount(ready);
    await expect.poll(() => getHostCount(ready), { timeout: 10_000 }).toBeGreaterThan(before + 5);
    const { code, out } = await endless.interrupt();
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ end: 'interrupted', calls: expect.any(Number) });
    expect(await running.interrupt()).toMatchObject({ code: 0 });
  });

  test('tells people what runs where, and what to try; SIGTERM ends it as Ctrl-C does', async () => {
    folder.writeStandardConf();
    folder.write('conf/reporter.ini', '[tcp]\nport = 0\n[http]\nport = 0\n[database]\nfile = data/calls.db\n');
    const running = folder.start(['up', '--conf-dir', 'conf']);
    // The ready line is for machines; here it is text.
    await expect(running.ready).rejects.toThrow('no ready line: LARS 0.1.0: the system is ready');
    running.signal('SIGTERM');
    const { code, out, err } = await running.ended;
    expect(code).toBe(0);
    expect(out).toMatch(
      /\ndnsserver +TCP 127\.0\.0\.1:\d+ +http:\/\/127\.0\.0\.1:\d+\/healthz +SQLite data\/lars\.db +conf\/dnsserver\.ini\n/,
    );
    expect(out).toMatch(
      /\nreporter +TCP 127\.0\.0\.1:\d+ +http:\/\/127\.0\.0\.1:\d+\/healthz +SQLite data\/calls\.db +conf\/reporter\.ini\n/,
    );
    expect(out).toMatch(/\nagent +UDP 127\.0\.0\.1:\d+,\d+,\d+ +http:\S+ +\w+ transport, \w+ balancing +conf\/agent\.ini\n/);
    expect(out).toMatch(
      /\n {2}npx lars route add 1\/1 127\.0\.0\.1:9001\n {2}npx lars gethost 1 1 --agent \S+\n {2}curl http:\S+\n/,
    );
    expect(err).toContain('SIGTERM: stopping');
  });

  test('starts and lives on when nobody reads its results', async () => {
    folder.writeStandardConf();
    const running = folder.start(['up', '--json']);
    running.closeOutput();
    await running.logged('"msg":"agent ready"');
    const { code, err } = await running.interrupt();
    expect(code, err).toBe(0);
    expect(err).not.toContain('EPIPE');
  });
});

describe('routes', () => {
  test('are kept without a running system; negative modules need no quoting', async () => {
    expect(await folder.runHere(['route', 'list'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /^lars: database \/\S+\/data\/lars\.db \(conf key \[database\] file, defaults\) does not exist; start .*, or add --create\n$/,
      ),
    });
    expect((await folder.runHere(['route', 'add', '-3/2', '10.0.0.1:80'])).err).toContain('does not exist');
    expect((await folder.runHere(['route', 'import', '-'], '1,1,10.0.0.1:80\n')).err).toContain('does not exist');
    expect((await folder.runHere(['route', 'add', '1/1', '10.0.0.1:80', '--db', 'x.db'])).err).toContain(
      'x.db (--db) does not exist',
    );
    const add = ['route', 'add', '-3/2', '[2001:DB8::1]:80', 'db.example:81', '--create'];
    expect(await folder.runHere(add)).toMatchObject({ code: 0 });
    expect((await json(['route', 'list', '-3/2'])).document).toStrictEqual({
      routes: [
        {
          modid: -3,
          cmdid: 2,
          hosts: [
            { host: '2001:db8::1', port: 80, weight: 100, zone: '', drain: false },
            { host: 'db.example', port: 81, weight: 100, zone: '', drain: false },
          ],
        },
      ],
    });
    const removed = await json(['route', 'remove', '-3/2', 'db.example:81']);
    expect(removed.document).toMatchObject({ modid: -3, cmdid: 2, removed: 1, modules: 1 });
    expect((await json(['route', 'remove', '-3/2', 'db.example:81'])).code).toBe(1);
    expect(await folder.runHere(['route', 'export'])).toMatchObject({ code: 0, out: '-3,2,[2001:db8::1]:80\n' });
    expect(await folder.runHere(['route', 'clear'])).toMatchObject({
      code: 3,
      out: expect.stringContaining('- -3/2 [2001:db8::1]:80'),
    });
    expect(await folder.runHere(['route', 'clear', '--yes'])).toMatchObject({ code: 0 });
    expect(await folder.runHere(['route', 'list'])).toMatchObject({ code: 0, out: '0 hosts in 0 modules\n' });
  });

  test('drain hosts, and stop it again; a host that is not there is an error and changes nothing', async () => {
    await folder.runHere(['route', 'add', '-1/2', '10.0.0.1:80', '[::1]:80', 'db.example:80', '--create']);
    const drained = await json(['route', 'drain', '-1/2', '10.0.0.1:80', '[::1]:80']);
    expect(drained).toMatchObject({ code: 0, document: { modid: -1, cmdid: 2, drain: true, updated: 2, modules: 1 } });
    expect((await folder.runHere(['route', 'list'])).out.split('\n').slice(0, 4)).toEqual([
      'module  host           weight  zone  drain',
      '-1/2    10.0.0.1:80       100        yes',
      '-1/2    [::1]:80          100        yes',
      '-1/2    db.example:80     100',
    ]);
    expect(await folder.runHere(['route', 'export'])).toMatchObject({
      out: '-1,2,10.0.0.1:80 drain\n-1,2,[::1]:80 drain\n-1,2,db.example:80\n',
    });
    expect(await folder.runHere(['route', 'drain', '-1/2', '10.0.0.1:80', '[::1]:80', '--off'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^-1\/2: 2 hosts updated in 1 module; revision \d+\n$/),
    });
    expect(await folder.runHere(['route', 'drain', '-1/2', 'db.example:80', '10.0.0.9:80'])).toMatchObject({
      code: 1,
      err: 'lars: module -1/2 has no host 10.0.0.9:80\n',
    });
    expect(await json(['route', 'drain', '-1/2', '10.0.0.9:80'])).toMatchObject({
      code: 1,
      document: { error: { code: 'NO_SUCH_HOST' } },
    });
    expect(await folder.runHere(['route', 'drain', '-1/2'])).toMatchObject({ code: 2 });
    const { document } = await json(['route', 'list', '-1/2']);
    expect(document.routes[0].hosts.map((host: { drain: boolean }) => host.drain)).toEqual([false, false, false]);
  });

  test('go from one database to another, as lines and as JSON', async () => {
    const lines = '# ours\n1,1,10.0.0.1:80,200,eu\n\n-1,7,[::1]:80 drain\n';
    expect((await json(['route', 'import', '-', '--db', 'a.db', '--create'], lines)).document).toMatchObject({
      added: 2,
      modules: 2,
    });
    for (const file of ['routes.csv', 'routes.json']) {
      const target = `${file}.db`;
      expect(await folder.runHere(['route', 'export', file, '--db', 'a.db'])).toMatchObject({
        code: 0,
        out: `2 hosts written to ${file}\n`,
      });
      await folder.runHere(['route', 'add', '5/5', '10.0.0.5:80', '--db', target, '--create']);
      expect((await json(['route', 'import', file, '--replace', '--yes', '--db', target])).document).toMatchObject({
        added: 2,
        removed: 1,
      });
      const exported = await folder.runHere(['route', 'export', '--db', target]);
      // JSON has the weight as it counts.
      const weight = file.endsWith('.json') ? ',100' : '';
      expect(exported.out).toBe(`-1,7,[::1]:80 drain${weight}\n1,1,10.0.0.1:80,200,eu\n`);
    }
  });

  test('from a bad file are not imported at all, and the error names the line', async () => {
    const bad = await folder.runHere(['route', 'import', '-', '--db', 'a.db'], '1,1,10.0.0.1:80\n1,2,10.0.0.1:99999\n');
    expect(bad).toMatchObject({ code: 1, out: '' });
    expect(bad.err).toBe("lars: standard input: line 2: port 99999 in '10.0.0.1:99999' is not in 1..65535\n");
    folder.write('conflict.csv', '1,1,10.0.0.1:80,5\n1,1,10.0.0.1:80,6\n');
    expect((await folder.runHere(['route', 'import', 'conflict.csv', '--db', 'a.db', '--create'])).err).toMatch(
      /^lars: conflict\.csv: line 2: .* line 1\n$/,
    );
    expect((await folder.runHere(['route', 'import', 'nowhere.csv', '--db', 'a.db'])).err).toMatch(
      /^lars: nowhere\.csv: cannot be read: ENOENT/,
    );
    await folder.runHere(['route', 'add', '9/9', '10.0.0.9:80', '--db', 'a.db', '--create']);
    expect((await folder.runHere(['route', 'export', '--db', 'a.db'])).out).toBe('9,9,10.0.0.9:80\n');
  });

  test('listed into a pipe that nobody reads end quietly', async () => {
    await folder.runHere(['route', 'add', '1/1', '10.0.0.1:80', '--create']);
    const running = folder.start(['route', 'list']);
    running.closeOutput();
    expect(await running.ended).toMatchObject({ code: 0, err: '' });
  });
});
