/** The built `lars proxy` under load: signals, threads, used up descriptors, very many short connections, and an agent that goes away. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { CleanUps } from './agent-world.ts';
import { type ProxyWorld, startProxyWorld } from './proxy-world.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const LISTEN = '[listen a]\naddress = 127.0.0.1:0\nmodule = 10/1\n';
/** People can ask for the hundred thousand. */
const SHORT_CONNECTIONS = Number(process.env['LARS_TEST_CONNECTIONS'] ?? 3_000);

/** Echoes, and ends with its client. */
async function startEcho(): Promise<Server> {
  const server = createServer(socket => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** Sends a text and resolves with what comes back; rejects when the connection breaks. */
function ask(port: number, text: string, socket: Socket = connect({ port, host: '127.0.0.1' })): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('data', data => resolve(data.toString()));
    socket.once('close', () => reject(new Error('closed')));
    socket.write(text);
  });
}

async function askOnce(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    return await ask(port, 'hello', socket);
  } finally {
    socket.destroy();
  }
}

describe('a proxy of two threads', () => {
  const cleanUps = new CleanUps();
  let world: ProxyWorld;

  beforeAll(async () => {
    const echo = await startEcho();
    cleanUps.add(() => echo.close());
    const { port } = echo.address() as { readonly port: number };
    world = await startProxyWorld(cleanUps, {
      routes: { '10/1': [`127.0.0.1:${port}`] },
      conf: `[proxy]\nthreads = 2\ndrain_time = 5\n${LISTEN}[listen b]\naddress = 127.0.0.1:0\nmodule = 10/9\n`,
    });
  });
  afterAll(() => cleanUps.run());

  test('short connections leave nothing behind, and both threads have their part', async () => {
    let left = SHORT_CONNECTIONS;
    const caller = async () => {
      while (left-- > 0) expect(await askOnce(world.port)).toBe('hello');
    };
    await Promise.all(Array.from({ length: 50 }, caller));
    const status = await eventually('all are over', async () => {
      const now = await world.status();
      const areReported = now.counters.reportedSuccesses >= SHORT_CONNECTIONS;
      return now.connections === 0 && now.hosts.every(({ connections }) => connections === 0) && areReported && now;
    });
    expect(status.counters).toMatchObject({
      accepted: SHORT_CONNECTIONS,
      relayed: SHORT_CONNECTIONS,
      reportedSuccesses: SHORT_CONNECTIONS,
    });
    const metrics = await (await fetch(`http://127.0.0.1:${(await world.proxy.ready).proxy.httpPort}/metrics`)).text();
    for (const thread of [0, 1]) expect(metrics).toMatch(new RegExp(`lars_proxy_accepted_total\\{thread="${thread}"\\} [1-9]`));
  });

  test('a module that the agent does not know is refused at once', async () => {
    await expect(askOnce(world.ports[1] as number)).rejects.toThrow('ECONNRESET');
    await eventually('it is counted', async () => (await world.status()).counters.refusedNoHosts === 1);
  });

  test('lars proxy status tells what it does, and that there is none', async () => {
    const http = ['--http', `127.0.0.1:${(await world.proxy.ready).proxy.httpPort}`];
    const text = await world.folder.run(['proxy', 'status', ...http]);
    expect(text.out).toMatch(/a +127\.0\.0\.1:\d+ +10\/1 +agent/);
    const down = await world.folder.run(['proxy', 'status', '--http', '127.0.0.1:1']);
    expect([down.code, down.err]).toStrictEqual([
      1,
      expect.stringMatching(/^lars: no proxy answers at http:\/\/127\.0\.0\.1:1: /),
    ]);
  });

  test('lars proxy status --conf asks the proxy of that conf', async () => {
    world.folder.write('other.ini', '[http]\nport = 1\n');
    const other = await world.folder.run(['proxy', '--conf', 'other.ini', 'status']);
    expect(other.err).toContain('no proxy answers at http://127.0.0.1:1');
  });

  test.each([
    [2, ['--listen', 'nowhere:1=1/1'], "lars: --listen nowhere:1=1/1: 'nowhere' in 'nowhere:1' is no IP address of this machine"],
    [2, ['status', '--http', 'nowhere'], 'lars: --http nowhere: expected HOST:PORT, such as 127.0.0.1:7782'],
    [1, ['--conf', 'bad.ini'], 'lars: bad.ini: [listen a] has no address'],
    [
      1,
      ['--conf', 'http.ini', '--listen', 'unix:none/socket=10/1'],
      'lars: listener unix:none/socket: UNIX socket none/socket cannot be opened: its folder does not exist',
    ],
  ] as const)('exit code %i: lars proxy %j', async (code, args, message) => {
    world.folder.write('bad.ini', '[listen a]\nmodule = 1/1\n');
    world.folder.write('http.ini', '[http]\nport = 0\n');
    const result = await world.folder.run(['proxy', ...args]);
    expect([result.code, result.err]).toStrictEqual([code, `${message}\n`]);
  });

  test('a port that is taken is an error with its name', async () => {
    const taken = await world.folder.run(['proxy', '--listen', `127.0.0.1:${world.port}=10/1`]);
    expect(taken.code).toBe(1);
    expect(taken.err).toContain(
      `TCP port 127.0.0.1:${world.port} (listener 127.0.0.1:${world.port}) is taken: another process listens there`,
    );
  });

  test('SIGHUP under load reads the conf again, and breaks nothing', async () => {
    world.proxy.signal('SIGHUP');
    expect(await Promise.all(Array.from({ length: 50 }, () => askOnce(world.port)))).toStrictEqual(
      Array.from({ length: 50 }, () => 'hello'),
    );
    await world.proxy.logged('conf reloaded');
  });

  test('while the agent is away, new connections go on', async () => {
    await world.lars.stop();
    for (let each = 0; each < 10; each++) expect(await askOnce(world.port)).toBe('hello');
    await eventually('the status tells', async () => (await world.status()).agentAway);
    await world.proxy.logged('the agent does not answer: hosts are picked from the last routes');
  });

  test('SIGTERM under load: nothing new is accepted, and what is open ends in order', async () => {
    const open = connect({ port: world.port, host: '127.0.0.1' });
    expect(await ask(world.port, 'one', open)).toBe('one');
    let isStopped = false;
    const errors: string[] = [];
    const callers = Array.from({ length: 10 }, async () => {
      while (!isStopped)
        await askOnce(world.port).catch((error: NodeJS.ErrnoException) => {
          if (error.code === 'ECONNREFUSED') isStopped = true;
          else errors.push(error.message);
        });
    });
    world.proxy.signal('SIGTERM');
    await Promise.all(callers);
    // The kernel resets a handshake that ends between the last look at a listener's queue and its close: one for each thread at most, or nearly so. Some clients are
    // connected by then. Their order is tested in socket-listener.test.ts.
    expect(errors.filter(message => !/^(connect|read) ECONNRESET/.test(message))).toStrictEqual([]);
    expect(errors.length).toBeLessThanOrEqual(4);
    expect(await ask(world.port, 'two', open)).toBe('two');
    // A thread that has nothing left to do ends before the other, and is not dead.
    await eventually('the last callers have gone', async () => {
      const { draining, connections } = (await world.health()).details;
      return draining === true && connections === 1;
    });
    expect((await world.health()).details).not.toHaveProperty('deadThreads');
    open.end();
    const { code, err } = await world.proxy.ended;
    expect(code, err).toBe(0);
  });
});

describe('a proxy with few descriptors', () => {
  const cleanUps = new CleanUps();
  afterAll(() => cleanUps.run());

  test('takes as many connections as its open files allow, says so, and goes on when there are fewer', async () => {
    const echo = await startEcho();
    cleanUps.add(() => echo.close());
    const { port } = echo.address() as { readonly port: number };
    const world = await startProxyWorld(cleanUps, {
      routes: { '10/1': [`127.0.0.1:${port}`] },
      conf: LISTEN,
      start: { shell: ['sh', '-c', 'ulimit -n 150; exec "$0" "$@"'] },
    });
    const first = connect({ port: world.port, host: '127.0.0.1' });
    expect(await ask(world.port, 'one', first)).toBe('one');
    const clients = Array.from({ length: 150 }, () => {
      const socket = connect({ port: world.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      return socket;
    });
    await world.proxy.logged('allow fewer connections than [proxy] max_connections');
    await eventually('the others are refused by a limit', async () => (await world.status()).counters.refusedTotalLimit > 100);
    expect(await ask(world.port, 'two', first)).toBe('two');
    for (const socket of clients) socket.destroy();
    await eventually('new connections are served', () =>
      askOnce(world.port).then(
        text => text === 'hello',
        () => false,
      ),
    );
    expect((await world.status()).counters).toMatchObject({ reportedFailures: 0, refusedExhausted: 0 });
    first.destroy();
    const { code, err } = await world.proxy.interrupt();
    expect(code, err).toBe(0);
    expect(err.split('\n').filter(line => line.includes('"level":"warn"')).length).toBeLessThan(10);
  });
});
