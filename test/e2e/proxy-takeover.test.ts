/** Built proxies that take over from one another while clients connect: nobody is refused or reset, and nothing that waits is lost. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type NetConnectOpts } from 'node:net';
import path from 'node:path';
import { parseHost } from '@lars/proto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Lars, startLars } from '../../examples/demo/lars.ts';
import { writeAgentRoutes } from '../support/agent-routes-file.ts';
import { askAgain, EchoLoad, startEchoServer, talk } from '../support/echo-load.ts';
import { eventually } from '../support/eventually.ts';
import { freeTcpPort } from '../support/free-ports.ts';
import { IS_FULL, SIZED_TIMEOUT_MS, sized } from '../support/full-size.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { recordingLog } from '../support/recording-log.ts';
import { CleanUps } from './agent-world.ts';
import type { LarsProcess } from './cli-process.ts';
import { type ProxyWorld, startProxyWorld } from './proxy-world.ts';

const TAKEOVERS = sized(2, 20);
const LOOPBACK = '127.0.0.1';

/** As systemd starts a service of a socket unit: with one that listens as descriptor 3. */
const SOCKET_UNIT = `
import os, socket, sys
listening = socket.create_server(('${LOOPBACK}', 0), backlog=128)
open('port', 'w').write(str(listening.getsockname()[1]))
if listening.fileno() != 3: os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
`;

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

interface TakeoverWorld extends ProxyWorld {
  readonly places: readonly NetConnectOpts[];
  conf(more: string): string;
  /** 'HOST:PORT' of the module's host. */
  readonly echo: string;
  /** Starts a proxy that takes over, with other lines in [proxy], and in front of the conf's [agent]. */
  start(more?: string, agent?: string): LarsProcess;
}

const conf = (more: string) => `[proxy]
takeover_socket = takeover.sock
takeover_drain_time = 300
log_lines = 0
${more}
[listen inet]
address = ${LOOPBACK}:0
module = 10/1
[listen unix]
address = unix:proxy.sock
module = 10/1
`;

/** A system and its host for all tests that leave it as it is. */
let shared: { readonly lars: Lars; readonly echo: string };
const afterAllTests = new CleanUps();
beforeAll(async () => {
  const { host: echo, close } = await startEchoServer();
  afterAllTests.add(close);
  const lars = await startLars({ log: recordingLog().log });
  afterAllTests.add(() => lars.remove());
  await lars.addRoute(10, 1, [echo]);
  shared = { lars, echo };
});
afterAll(() => afterAllTests.run());

/** @param isOwn with an agent that the test may end */
async function startWorld(more = '', isOwn = false): Promise<TakeoverWorld> {
  const httpPort = await freeTcpPort();
  const { lars, echo } = shared;
  const routes = { '10/1': [echo] };
  const world = await startProxyWorld(cleanUps, { conf: conf(more), httpPort, ...(isOwn ? { routes } : { routes: {}, lars }) });
  const confOf = (lines: string) => world.head + conf(lines);
  return {
    ...world,
    places: [{ host: LOOPBACK, port: world.port }, { path: path.join(world.folder.path, 'proxy.sock') }],
    conf: confOf,
    echo,
    start(lines = more, agent = '') {
      world.folder.write('conf/proxy.ini', confOf(lines).replace('[agent]\n', `[agent]\n${agent}`));
      return world.folder.start(['proxy', '--takeover', '--json']);
    },
  };
}

describe('proxies that take over', () => {
  test.each([
    ['one thread', 'threads = 1', 'threads = 1'],
    ['more threads than before, and fewer', 'threads = 2', 'threads = 3'],
    ...(IS_FULL
      ? [
          ['several threads of a socket that was alone', 'threads = 1', 'threads = 3'],
          ['epoll', 'engine = epoll', 'engine = epoll'],
        ]
      : []),
  ])(
    `%s, ${TAKEOVERS} times under load: no connection is refused, reset or unanswered, and the open ones stay`,
    async (_, first, second) => {
      const world = await startWorld(first);
      const kept = await Promise.all(world.places.map(place => talk(place, 'first')));
      const inode = statSync(path.join(world.folder.path, 'proxy.sock')).ino;
      const load = new EchoLoad(world.places, 8);
      await eventually('the load', () => load.answered > 40);
      let old = world.proxy;
      const drained: LarsProcess[] = [];
      for (let at = 0; at < TAKEOVERS; at++) {
        const fresh = world.start(at % 2 === 0 ? second : first);
        const ready = await fresh.ready;
        expect(ready.proxy.listens).toEqual([`${LOOPBACK}:${world.port}`, 'unix:proxy.sock']);
        await old.logged('another process takes over');
        const seen = load.answered;
        await eventually('some more', () => load.answered > seen + 40);
        drained.push(old);
        old = fresh;
      }
      for (const socket of kept) await askAgain(socket, 'still here');
      await load.end();
      expect(load.errors).toEqual([]);
      // Those that have no connection any more end by themselves, the first when its connections do.
      for (const socket of kept) socket.destroy();
      for (const one of drained) {
        const { code, err } = await one.ended;
        expect([code, err.includes('"level":"error"')], err).toEqual([0, false]);
      }
      expect(statSync(path.join(world.folder.path, 'proxy.sock')).ino).toBe(inode);
      expect((await world.status()).counters.accepted).toBeGreaterThan(0);
      expect((await old.interrupt()).code).toBe(0);
      expect(['proxy.sock', 'takeover.sock'].map(name => existsSync(path.join(world.folder.path, name)))).toEqual([false, false]);
    },
    SIZED_TIMEOUT_MS,
  );

  test('a new one that fails at its start changes nothing: a wrong conf, a taken port, no agent, a signal', async () => {
    const world = await startWorld('', true);
    const load = new EchoLoad(world.places, 4);
    const wrong = world.start('threads = none');
    expect((await wrong.ended).err).toContain('threads');
    const taken = await freeTcpPort();
    const blocker = createServer().listen(taken, LOOPBACK);
    cleanUps.add(() => blocker.close());
    await once(blocker, 'listening');
    const more = `[listen more]\naddress = ${LOOPBACK}:${taken}\nmodule = 10/1\n`;
    writeFileSync(path.join(world.folder.path, 'conf/proxy.ini'), world.conf('') + more);
    const refused = await world.folder.start(['proxy', '--takeover', '--json']).ended;
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining(`${taken} (listener more) is taken`)]);
    await world.proxy.logged('the process that was to take over went away: this one goes on');
    await world.lars.remove();
    const unknowing = await world.start().ended;
    expect([unknowing.code, unknowing.err]).toEqual([1, expect.stringContaining('no route of module 10/1 is known here')]);
    writeAgentRoutes(path.join(world.folder.path, 'routes'), [
      { modid: 10, cmdid: 1, version: 1, host: [{ ...parseHost(world.echo), weight: 0, zone: '', drain: false }] },
    ]);
    // One that is told to stop while it waits for the agent would take over and end, and the service with it.
    const silent = createSocket('udp4').bind(0, LOOPBACK);
    cleanUps.add(() => silent.close());
    await once(silent, 'listening');
    const confOfStopped = world.conf('').replace(/ports = .*/, `ports = ${silent.address().port}\nroutes_file = routes`);
    writeFileSync(path.join(world.folder.path, 'conf/proxy.ini'), confOfStopped);
    const stopped = world.folder.start(['proxy', '--takeover', '--json']);
    await world.proxy.logged(`"successor":${stopped.pid}`);
    stopped.signal('SIGTERM');
    const { code, err } = await stopped.ended;
    expect([code, err]).toEqual([0, expect.stringContaining('SIGTERM: stopped before the start was through')]);
    // The old one is told to stop meanwhile: the new one has all that it listened to, with the files of its sockets.
    const fresh = world.folder.start(['proxy', '--takeover', '--json']);
    await world.proxy.logged(`"successor":${fresh.pid}`);
    world.proxy.signal('SIGTERM');
    await fresh.ready;
    expect((await world.proxy.ended).code).toBe(0);
    const seen = load.answered;
    await eventually('some more', () => load.answered > seen + 20);
    await load.end();
    expect(load.errors).toEqual([]);
  });

  test('one that was told to stop has its HTTP port until it ends: the next one serves at once, and HTTP later', async () => {
    const world = await startWorld();
    const [place] = world.places;
    const kept = await talk(place as NetConnectOpts, 'first');
    world.proxy.signal('SIGTERM');
    await eventually('nothing new is accepted', () =>
      talk(place as NetConnectOpts, 'no').then(
        socket => {
          socket.destroy();
          return false;
        },
        () => true,
      ),
    );
    const fresh = world.start();
    const { port } = parseHost((await fresh.ready).proxy.listens[0] as string);
    const second = await talk({ host: LOOPBACK, port }, 'second');
    await fresh.logged('conf key [http] port is not served yet, and tried again each second');
    await askAgain(kept, 'still here');
    kept.destroy();
    expect((await world.proxy.ended).code).toBe(0);
    await fresh.logged('conf key [http] port is served now');
    expect((await world.status()).connections).toBe(1);
    second.destroy();
    expect((await fresh.interrupt()).code).toBe(0);
  });

  test('two at once: one after the other, or one of them does not', async () => {
    const world = await startWorld();
    const load = new EchoLoad(world.places, 4);
    await eventually('the load', () => load.answered > 20);
    const both = [world.start(), world.start()];
    const outcomes = await Promise.allSettled(both.map(one => one.ready));
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    expect((await world.proxy.ended).code).toBe(0);
    await load.end();
    expect(load.errors).toEqual([]);
    await (await talk(world.places[0] as NetConnectOpts, 'afterwards')).destroy();
  });

  test('the socket of a killed one, of nobody, and of somebody else', async () => {
    const world = await startWorld();
    world.proxy.signal('SIGKILL');
    await world.proxy.ended;
    expect(existsSync(path.join(world.folder.path, 'takeover.sock'))).toBe(true);
    const fresh = world.start();
    await fresh.ready;
    // Without --takeover the place is another's.
    const second = await world.folder.start(['proxy', '--json']).ended;
    expect([second.code, second.err]).toEqual([1, expect.stringMatching(/takeover_socket.* is taken|proxy\.sock is taken/)]);
    const elsewhere = world.conf('').replace('takeover.sock', 'elsewhere.sock');
    writeFileSync(path.join(world.folder.path, 'conf/proxy.ini'), elsewhere);
    const unmet = await world.folder.start(['proxy', '--takeover', '--json']).ended;
    expect([unmet.code, unmet.err]).toEqual([
      1,
      expect.stringContaining('(nobody answers at elsewhere.sock, so nothing was taken over)'),
    ]);
    expect((await fresh.interrupt()).code).toBe(0);
    const other = createServer(socket => socket.end('220 mail.example ESMTP, at your service\r\n'));
    other.listen(path.join(world.folder.path, 'takeover.sock'));
    cleanUps.add(() => other.close());
    await once(other, 'listening');
    const third = await world.start().ended;
    expect([third.code, third.err]).toEqual([1, expect.stringContaining('the proxy at takeover.sock does not hand over')]);
    expect(
      (await world.folder.start(['proxy', '--takeover', '--listen', '127.0.0.1:0=1/1', '--conf', '/dev/null']).ended).err,
    ).toContain('[proxy] takeover_socket');
  });

  test.each([1, 2])('files of its UNIX sockets that are taken away are made anew, %i threads', async threads => {
    const world = await startWorld(`threads = ${threads}`);
    const names = ['proxy.sock', 'takeover.sock'];
    const kept = await talk(world.places[1] as NetConnectOpts, 'before');
    for (const name of names) rmSync(path.join(world.folder.path, name));
    await eventually('both are there again', () => names.every(name => existsSync(path.join(world.folder.path, name))));
    await world.proxy.logged('the file of listener unix was taken away, and is made anew');
    await askAgain(kept, 'still here');
    await (await talk(world.places[1] as NetConnectOpts, 'afterwards')).destroy();
    const fresh = world.start(`threads = ${threads}`);
    await fresh.ready;
    kept.destroy();
    expect((await world.proxy.ended).code).toBe(0);
    await (await talk(world.places[1] as NetConnectOpts, 'at the new one')).destroy();
    expect((await fresh.interrupt()).code).toBe(0);
    expect(names.map(name => existsSync(path.join(world.folder.path, name)))).toEqual([false, false]);
  });

  test('connections that outlast the drain are reset; SIGTERM shortens it', async () => {
    const world = await startWorld('drain_time = 0.2');
    const kept = await talk(world.places[0] as NetConnectOpts, 'first');
    const closed = once(kept, 'close').catch(() => undefined);
    await world.start('drain_time = 0.2').ready;
    await askAgain(kept, 'still here');
    world.proxy.signal('SIGTERM');
    expect((await world.proxy.ended).code).toBe(0);
    await closed;
    await (await talk(world.places[0] as NetConnectOpts, 'afterwards')).destroy();
  });

  test.runIf(hasPrograms('systemd sockets', ['python3']))('sockets of systemd are used, and a successor gets them', async () => {
    const world = await startWorld('threads = 2');
    expect((await world.proxy.interrupt()).code).toBe(0);
    const shell = ['python3', '-c', SOCKET_UNIT];
    const proxy = world.folder.start(['proxy', '--json'], { shell });
    const [inet = ''] = (await proxy.ready).proxy.listens;
    const port = readFileSync(path.join(world.folder.path, 'port'), 'utf8');
    expect(inet).toBe(`${LOOPBACK}:${port}`);
    const place = { host: LOOPBACK, port: Number(port) };
    const load = new EchoLoad([place], 4);
    await eventually('the load', () => load.answered > 20);
    await world.start('threads = 2').ready;
    expect((await proxy.ended).code).toBe(0);
    const seen = load.answered;
    await eventually('some more', () => load.answered > seen + 20);
    await load.end();
    expect(load.errors).toEqual([]);
  });
});
