import { cpSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

// Many processes on a machine that may have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const BIN = fileURLToPath(new URL('../../cli/bin/', import.meta.url));
const SERVICES = ['agent', 'dnsserver', 'reporter'] as const;

let folder: LarsFolder;
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
});
afterEach(() => folder.dispose());

describe('one service', () => {
  test.each(SERVICES)('%s runs alone from its conf file, and stops at Ctrl-C', async name => {
    const running = folder.start([name, '--json']);
    const ready = await running.ready;
    expect(Object.keys(ready)).toStrictEqual(['event', 'pid', 'version', name]);
    expect(ready).toMatchObject({ event: 'ready', [name]: { conf: `conf/${name}.ini`, httpPort: expect.any(Number) } });
    const { code, err, tookMs } = await running.interrupt();
    expect(code, err).toBe(0);
    expect(tookMs).toBeLessThan(3_000);
  });

  test.each(SERVICES)('%s prints a conf file that it takes itself', async name => {
    const { code, out } = await folder.run([name, '--print-conf']);
    expect(code).toBe(0);
    // The standard ports may be taken on this machine; that they are tried shows that the file was taken.
    folder.write(
      `${name}.ini`,
      out.replaceAll(/^port = \d+$/gm, 'port = 0').replace(/(\[(?:dnsserver|reporter)\][^[]*port = )0/g, '$11'),
    );
    const running = folder.start([name, '--json', '--conf', `${name}.ini`]);
    expect(await running.ready).toMatchObject({ [name]: { conf: `${name}.ini` } });
    expect(await running.interrupt()).toMatchObject({ code: 0 });
  });
});

describe('a start that fails: exit code 1, and one line on standard error that names the culprit', () => {
  let taken: Server;
  let takenPort: number;
  beforeEach(async () => {
    taken = createServer();
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve));
    takenPort = (taken.address() as { port: number }).port;
  });
  afterEach(() => new Promise(resolve => taken.close(resolve)));

  const fails = async (...args: readonly string[]) => {
    const { code, out, err } = await folder.run(args);
    expect(err).toMatch(/^lars: [^\n]+\n$/);
    expect(code).toBe(1);
    expect(out).toBe('');
    return err;
  };

  test.each(['dnsserver', 'reporter'])('the TCP port of %s is taken', async name => {
    folder.write(`conf/${name}.ini`, `[tcp]\nport = ${takenPort}\n[http]\nport = 0\n`);
    const why = `TCP port 127.0.0.1:${takenPort} (conf key [tcp] port) is taken`;
    expect(await fails(name)).toContain(`lars: ${why}`);
    expect(await fails('up')).toContain(`lars: ${name}: ${why}`);
  });

  test.each(SERVICES)('the HTTP port of %s is taken, and what has started before is stopped', async name => {
    const listen = name === 'agent' ? '[udp]' : '[tcp]';
    folder.write(`conf/${name}.ini`, `${listen}\nport = 0\n[http]\nport = ${takenPort}\n`);
    expect(await fails(name)).toMatch(`HTTP port 127.0.0.1:${takenPort}`);
    expect(await fails('up')).toMatch(`lars: ${name}: HTTP port 127.0.0.1:${takenPort}`);
  });

  test('the UDP ports of the agent are taken by another agent', async () => {
    const other = folder.start(['agent', '--json']);
    const port = (await other.ready).agent.udpPorts[0];
    folder.write('conf/agent.ini', `[udp]\nport = ${port}\n[http]\nport = 0\n`);
    expect(await fails('up')).toContain(`lars: agent: UDP port 127.0.0.1:${port} (conf key [udp] port) is taken`);
    expect(await other.interrupt()).toMatchObject({ code: 0 });
  });

  test.each(['dnsserver', 'reporter'])('the data folder of %s is a file', async name => {
    folder.write('data', 'not a folder');
    expect(await fails(name)).toMatch(/database data\/lars\.db \(conf key \[database\] file\) cannot be opened: folder \S+data/);
  });

  test('the database is something else', async () => {
    folder.write(
      'data/lars.db',
      'this is not a database, it only has its name, and it is long enough to be looked at'.repeat(20),
    );
    expect(await fails('up')).toContain('database data/lars.db');
  });

  test.each([
    ['[udp]\nport = 0\nprt = 1\n', ':3: [udp] prt: unknown key, did you mean port?'],
    ['[udp]\nport = no\n', ':2: [udp] port = no: expected an integer in 0..65533'],
    ['[upd]\n', ':1: unknown section [upd], did you mean [udp]?'],
    ['port\n', ":1: expected [section], key = value or a comment, found 'port'"],
  ])('the conf file has the bad line %j', async (text, says) => {
    folder.write('conf/agent.ini', text);
    expect(await fails('up')).toBe(`lars: conf/agent.ini${says}\n`);
    expect(await fails('agent')).toBe(`lars: conf/agent.ini${says}\n`);
    expect(await fails('gethost', '1', '1')).toBe(`lars: conf/agent.ini${says}\n`);
  });

  test('the conf file is not there', async () => {
    expect(await fails('agent', '--conf', 'nowhere.ini')).toMatch(/^lars: nowhere\.ini: cannot be read: no such file/);
  });

  test('the agent does not know whom to connect to', async () => {
    folder.write('conf/agent.ini', '[udp]\nport = 0\n[http]\nport = 0\n[agent]\nreconnect_min = 500\nreconnect_max = 5\n');
    expect(await fails('up')).toContain('lars: agent: [agent] reconnect_min = 500 is greater than reconnect_max = 5');
  });

  test('with --json the reason stands on standard output too', async () => {
    folder.write('conf/agent.ini', '[upd]\n');
    const { code, out, err } = await folder.run(['up', '--json']);
    expect(code).toBe(1);
    expect(err).toMatch(/^lars: [^\n]+\n$/);
    expect(JSON.parse(out)).toStrictEqual({ error: { code: 'BAD_CONFIG', message: err.slice('lars: '.length, -1) } });
  });
});

describe('before anything is loaded', () => {
  const pretend = (version: string) => [
    '--import',
    `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
  ];

  test('an old Node is told from a new one', async () => {
    const old = folder.start(['--version'], { nodeArgs: pretend('20.20.2') });
    expect(await old.ended).toStrictEqual({
      code: 1,
      out: '',
      err: 'lars: needs Node.js 26 or newer, this is 20.20.2; in a clone use npx lars … (npm ci brings the right Node), elsewhere install one, or the .deb, which has its own\n',
    });
    const recent = folder.start(['--version'], { nodeArgs: pretend('27.1.0') });
    expect(await recent.ended).toMatchObject({ code: 0, err: '' });
  });

  test('a project that is not built says what to do', async () => {
    cpSync(BIN, path.join(folder.path, 'cli/bin'), { recursive: true });
    folder.write('cli/package.json', '{ "type": "module" }');
    const unbuilt = folder.start(['--version'], { program: path.join(folder.path, 'cli/bin/lars.js') });
    expect(await unbuilt.ended).toStrictEqual({
      code: 1,
      out: '',
      err: 'lars: is not built yet; in the project folder run: npm run build\n',
    });
  });
});
