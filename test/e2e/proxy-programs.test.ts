/** Two servers each of MariaDB, Redis and nginx, each pair behind one port of the proxy. Their clients know nothing of it. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { CleanUps } from './agent-world.ts';
import { folderFor, type ProxyWorld, RealServer, runProgram, startProxyWorld } from './proxy-world.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** Databases are used with connections that stay: they go where there are fewest. */
const CONF = `[proxy]
fail_cool_down = 0.5
[listen mariadb]
address = 127.0.0.1:0
module = 10/1
policy = least_connections
[listen redis]
address = 127.0.0.1:0
module = 10/2
[listen nginx]
address = 127.0.0.1:0
module = 10/3
`;
/** An ejected host gets its first probe soon. */
const LOADBALANCE = ['probe_backoff_min = 0.2', 'probe_backoff_max = 1'];
const PROGRAMS = ['mariadbd', 'mariadb', 'redis-server', 'redis-cli', 'nginx'];

describe.runIf(hasPrograms('mariadb-server redis-server nginx-light', PROGRAMS))('behind one port', () => {
  const cleanUps = new CleanUps();
  let mariadbs: readonly RealServer[];
  let redises: readonly RealServer[];
  /** As long as the variable says, so that people can let a gigabyte through. */
  const download = randomBytes(Number(process.env['LARS_TEST_DOWNLOAD_MB'] ?? 32) * 1_048_576);
  let world: ProxyWorld;
  let [mariadbPort, redisPort, nginxPort] = [0, 0, 0];

  beforeAll(async () => {
    mariadbs = await Promise.all([1, 2].map(id => startMariadb(cleanUps, id)));
    redises = await Promise.all(['one', 'two'].map(name => startRedis(cleanUps, name)));
    const nginxes = await Promise.all([1, 2].map(() => startNginx(cleanUps, download)));
    const hosts = (servers: readonly RealServer[]) => servers.map(({ host }) => host);
    const routes = { '10/1': hosts(mariadbs), '10/2': hosts(redises), '10/3': hosts(nginxes) };
    world = await startProxyWorld(cleanUps, { routes, conf: CONF, loadbalance: LOADBALANCE });
    [mariadbPort = 0, redisPort = 0, nginxPort = 0] = world.ports;
  });
  afterAll(() => cleanUps.run());

  /** So many connections that the agent tries the host that has failed soon. */
  async function isUsed(port: number, server: RealServer, first: string): Promise<void> {
    const connected = async () => (await world.status()).hosts.find(({ host }) => host === server.host)?.connected ?? 0;
    const before = await connected();
    await eventually(
      'it is used again',
      async () => {
        await Promise.all(Array.from({ length: 20 }, () => firstBytes(port, first)));
        return (await connected()) > before + 20;
      },
      60_000,
    );
  }

  test('MariaDB: clients are spread, and each sees one server alone', async () => {
    const seen = new Set<string>();
    await eventually('both servers are seen', async () => {
      for (const { out, err } of await Promise.all(Array.from({ length: 6 }, () => query(mariadbPort, IDS)))) {
        expect(['1\t1\n', '2\t2\n'], err).toContain(out);
        seen.add(out);
      }
      return seen.size === 2;
    });
  });

  test('MariaDB: a transaction stays on its server while others come and go', async () => {
    const session = new Session(mariadbPort);
    cleanUps.add(() => session.end());
    const first = await session.ask(IDS);
    await session.ask('begin; insert into own.t values (77); select 1');
    for (let round = 0; round < 5; round++) {
      await query(mariadbPort, IDS);
      expect(await session.ask('select @@server_id, max(id) from own.t')).toBe(`${first[0]}\t77`);
    }
    expect(await session.ask('rollback; select max(id) from own.t')).toBe(first[0]);
    await session.end();
  });

  test('MariaDB: one is killed: running connections end with an error, new ones succeed at once; it comes back and is used again', async () => {
    const sessions = Array.from({ length: 6 }, () => new Session(mariadbPort));
    const ids = await Promise.all(sessions.map(session => session.ask('select @@server_id')));
    expect(ids.toSorted()).toStrictEqual(['1', '1', '1', '2', '2', '2']);
    await mariadbs[1]?.kill();
    for (const [at, session] of sessions.entries()) {
      if (ids[at] === '2') await expect(session.ask('select @@server_id')).rejects.toThrow(/ended with 1/);
      else expect(await session.ask('select @@server_id')).toBe('1');
      await session.end();
    }
    for (let each = 0; each < 10; each++)
      expect(await query(mariadbPort, IDS)).toStrictEqual({ code: 0, out: '1\t1\n', err: '' });
    await mariadbs[1]?.run();
    await isUsed(mariadbPort, mariadbs[1] as RealServer, '');
    await eventually('it answers clients', async () => (await query(mariadbPort, IDS)).out === '2\t2\n');
  });

  test('nginx: a thousand connections are kept alive, and each serves again', async () => {
    const before = (await world.status()).counters.accepted;
    const agent = new Agent({ keepAlive: true, maxSockets: 1_000, maxFreeSockets: 1_000 });
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, () => getText(`http://127.0.0.1:${nginxPort}/small`, agent)),
      );
      expect(new Set(answers)).toStrictEqual(new Set(['small']));
    }
    const accepted = async () => (await world.status()).counters.accepted - before;
    await eventually('all are counted', async () => (await accepted()) >= 1_000);
    expect(await accepted()).toBe(1_000);
    agent.destroy();
  });

  test('nginx: downloads are the same byte for byte', async () => {
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    const expected = hash(download);
    const downloads = Array.from({ length: 3 }, async () => {
      const running = createHash('sha256');
      const { body } = await fetch(`http://127.0.0.1:${nginxPort}/large`, { headers: { connection: 'close' } });
      for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) running.update(chunk);
      return running.digest('hex');
    });
    expect(await Promise.all(downloads)).toStrictEqual([expected, expected, expected]);
  });

  test('Redis: clients are spread; one is killed and comes back', async () => {
    const ask = () => redis(redisPort, 'get', 'name');
    for (let each = 0; each < 6; each++) expect(['one\n', 'two\n']).toContain(await ask());
    for (const server of redises) await isUsed(redisPort, server, 'PING\r\n');
    await redises[0]?.kill();
    for (let each = 0; each < 10; each++) expect(await ask()).toBe('two\n');
    await redises[0]?.run();
    await isUsed(redisPort, redises[0] as RealServer, 'PING\r\n');
    // It has forgotten its name.
    for (let each = 0; each < 6; each++) expect(['\n', 'two\n']).toContain(await ask());
  });
});

const IDS = 'select @@server_id, min(id) from own.t';

async function startMariadb(cleanUps: CleanUps, id: number): Promise<RealServer> {
  const server = await RealServer.start(cleanUps, folderFor(cleanUps), 'mariadbd', (port, folder) => [
    '--no-defaults',
    // The tables of users are not made: that would take longer than the tests.
    '--skip-grant-tables',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    ...[
      `--datadir=${folder}`,
      `--socket=${folder}/socket`,
      `--pid-file=${folder}/pid`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
    ],
    ...[`--server-id=${id}`, '--skip-name-resolve', '--innodb-buffer-pool-size=8M', '--innodb-log-file-size=4M'],
    '--innodb-flush-log-at-trx-commit=0',
  ]);
  const { err } = await query(
    server.port,
    `create database own; create table own.t (id int) engine=innodb; insert into own.t values (${id})`,
  );
  expect(err).toBe('');
  return server;
}

async function startRedis(cleanUps: CleanUps, name: string): Promise<RealServer> {
  const args = (port: number) => ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', '.', '--daemonize', 'no'];
  const server = await RealServer.start(cleanUps, folderFor(cleanUps), 'redis-server', args);
  await redis(server.port, 'set', 'name', name);
  return server;
}

function startNginx(cleanUps: CleanUps, download: Uint8Array): Promise<RealServer> {
  const own = folderFor(cleanUps);
  writeFileSync(path.join(own, 'small'), 'small');
  writeFileSync(path.join(own, 'large'), download);
  return RealServer.start(cleanUps, own, 'nginx', (port, folder) => {
    const user = process.getuid?.() === 0 ? 'user root;\n' : '';
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map(name => `${name}_temp_path ${folder}/tmp;`)
      .join(' ');
    const server = `server { listen 127.0.0.1:${port} backlog=2048; root ${folder}; }`;
    const http = `http { access_log off; keepalive_timeout 60; ${temporary} ${server} }`;
    writeFileSync(
      path.join(folder, 'nginx.conf'),
      `${user}daemon off;\nmaster_process off;\npid ${folder}/pid;\nerror_log ${folder}/errors;\nevents { worker_connections 4096; }\n${http}\n`,
    );
    return ['-p', folder, '-e', path.join(folder, 'errors'), '-c', path.join(folder, 'nginx.conf')];
  });
}

function getText(url: string, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, response => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', part => {
        text += part;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    }).on('error', reject);
  });
}

/** Connects, says something, and leaves when the server has said something. */
async function firstBytes(port: number, say: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => undefined);
  if (say !== '') socket.write(say);
  await new Promise(resolve => socket.once('data', resolve).once('close', resolve));
  socket.destroy();
}

function mariadbArgs(port: number): readonly string[] {
  return [
    '--no-defaults',
    '-h',
    '127.0.0.1',
    '-P',
    String(port),
    '-u',
    'root',
    '--batch',
    '--skip-column-names',
    '--unbuffered',
    '--skip-reconnect',
  ];
}

function query(port: number, sql: string) {
  return runProgram('mariadb', [...mariadbArgs(port), '-e', sql]);
}

async function redis(port: number, ...command: readonly string[]): Promise<string> {
  return (await runProgram('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...command])).out;
}

/** A client of MariaDB that stays connected. */
class Session {
  readonly #child;
  readonly #lines: string[] = [];
  #ended: number | null | undefined;

  constructor(port: number) {
    this.#child = spawn('mariadb', mariadbArgs(port), { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdin.on('error', () => undefined);
    this.#child.once('exit', code => {
      this.#ended = code;
    });
    createInterface({ input: this.#child.stdout }).on('line', line => this.#lines.push(line));
  }

  /** @returns the last line of the answer, which has one at least */
  async ask(sql: string): Promise<string> {
    const done = `done${this.#lines.length}`;
    this.#child.stdin.write(`${sql};\nselect '${done}';\n`);
    await eventually('MariaDB answers', () => {
      if (this.#ended !== undefined) throw new Error(`the client ended with ${this.#ended}`);
      return this.#lines.at(-1) === done;
    });
    return this.#lines.at(-2) ?? '';
  }

  async end(): Promise<void> {
    if (this.#ended !== undefined) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}
