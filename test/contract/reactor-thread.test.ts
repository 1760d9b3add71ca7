/** What the engines on the system's own calls promise of their thread: it is neither blocked nor busy for nothing, and its memory is bounded. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { type Connection, createEngine } from '@lars/reactor';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';

import {
  acceptOne,
  afterTest,
  connectRemote,
  describeEngines,
  echo,
  listenWith,
  NotingHandler,
  nativeKinds,
  openEngine,
  pattern,
  type Remote,
  sleep,
} from './reactor-harness.ts';

const THREAD = new URL('../support/workers/reactor-thread.ts', import.meta.url);
const CHILD = new URL('../support/reactor-child.ts', import.meta.url).pathname;

/** How much of one processor this process uses meanwhile, from 0 to 1. */
async function loadFor(ms: number): Promise<number> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await sleep(ms);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startMs);
}

describeEngines(
  'thread',
  kind => {
    test('half-closed, paused and silent connections cost no time', async () => {
      const engine = await openEngine(kind);
      const handlers: NotingHandler[] = [];
      const listener = await listenWith(engine, connection => {
        const handler = new NotingHandler();
        handlers.push(handler);
        if (handlers.length % 3 === 0) connection.pause();
        connection.start(handler);
      });
      const remotes = await Promise.all(Array.from({ length: 60 }, () => connectRemote({ port: listener.address.port })));
      for (const remote of remotes.slice(0, 40)) remote.socket.end('bye');
      await eventually('the ends are seen', () => handlers.filter(({ events }) => events.includes('end')).length >= 20);
      expect(await loadFor(400)).toBeLessThan(0.5);
      expect(engine.stats().open).toBe(60);
    });

    test('a connection goes to another thread as a number in a message', async () => {
      const worker = new Worker(THREAD, { workerData: kind, execArgv: ['--conditions=source'] });
      afterTest(() => worker.terminate());
      await once(worker, 'message');
      const engine = await openEngine(kind);
      const listener = await listenWith(engine, connection => worker.postMessage(connection.detach().fd));
      const remotes = await Promise.all(Array.from({ length: 30 }, () => connectRemote({ port: listener.address.port })));
      remotes.forEach((remote, at) => void remote.socket.end(pattern(10_000, at)));
      await eventually('every echo is here', () => remotes.every(({ hasEnded }) => hasEnded));
      expect(remotes.every((remote, at) => remote.received.equals(pattern(10_000, at)))).toBe(true);
      const ended = once(worker, 'exit');
      worker.postMessage('close');
      expect(await ended).toEqual([0]);
    });

    test.each([0, 6, 200_000])('a paused connection notices a reset, with %i bytes unread', async length => {
      const { connection, handler, remote } = await acceptOne(kind);
      connection.pause();
      if (length > 0) remote.socket.write(pattern(length));
      await sleep(20);
      remote.socket.resetAndDestroy();
      expect(await handler.closed()).toBe('reset');
      expect(handler.bytes).toBe(0);
    });

    test.each([1, 4_096, 5_000, 65_536])(
      'a connection that pauses itself in the middle notices a reset (%i bytes)',
      async length => {
        const handler = new NotingHandler();
        handler.onData = (one, bytes) => {
          one.pause();
          return NotingHandler.prototype.onData.call(handler, one, bytes);
        };
        const { remote } = await acceptOne(kind, handler);
        remote.socket.write(pattern(length));
        await eventually('something is read', () => handler.bytes > 0);
        await sleep(20);
        remote.socket.resetAndDestroy();
        expect(await handler.closed()).toBe('reset');
      },
    );

    test('messages and timers of the event loop come while bytes flow without a pause', async () => {
      const engine = await openEngine(kind);
      const listener = await listenWith(engine, echo);
      const chunk = pattern(65_536);
      const flows = Array.from({ length: 20 }, () =>
        engine.connect(
          { port: listener.address.port },
          {
            onConnect: one => one.write(chunk),
            onData: (one, bytes) => void one.write(bytes),
          },
        ),
      );
      const { port1, port2 } = new MessageChannel();
      afterTest(() => port1.close());
      const waits: number[] = [];
      for (let at = 0; at < 30; at++) {
        const startMs = performance.now();
        port2.postMessage(at);
        await once(port1, 'message');
        await sleep(1);
        await new Promise(resolve => setImmediate(resolve));
        waits.push(performance.now() - startMs);
      }
      expect(engine.stats().bytesRead).toBeGreaterThan(20 * chunk.length);
      // A thread that blocked for each of the three would take 30 ms and more; the machine may be slow at times.
      expect(waits.sort((a, b) => a - b)[15]).toBeLessThan(25);
      for (const flow of flows) flow.destroy();
    });

    test('a silent connection takes less than 1,000 bytes of JavaScript memory', async () => {
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc') as () => void;
      const engine = await openEngine(kind);
      const kept: Connection[] = [];
      const handler = { onConnect: () => undefined, onData: () => undefined };
      const listener = await listenWith(engine, connection => {
        kept.push(connection);
        connection.start(handler);
      });
      const connect = async (count: number) => {
        const goal = kept.length + 2 * count;
        for (let at = 0; at < count; at++) kept.push(engine.connect({ port: listener.address.port }, handler));
        await eventually('all are connected', () => kept.length === goal && engine.stats().connected * 2 === goal);
      };
      await connect(100);
      gc();
      const before = process.memoryUsage().heapUsed;
      await connect(1_000);
      gc();
      const bytes = (process.memoryUsage().heapUsed - before) / 2_000;
      expect(bytes).toBeLessThan(1_000);
    });

    test('engines that come and go leave the garbage collector nothing, and take memory once', async () => {
      const open = async () => (await createEngine({ kind })).close();
      await open();
      const before = process.memoryUsage();
      for (let at = 0; at < 10; at++) await open();
      const { arrayBuffers } = process.memoryUsage();
      // 4 MB of buffers each, made as an ArrayBuffer, set a collection off with every tenth engine, which kept whatever came next waiting.
      expect(arrayBuffers - before.arrayBuffers).toBeLessThan(10 * 1_000_000);
      for (let at = 0; at < 50; at++) await open();
      expect(process.memoryUsage().rss - before.rss).toBeLessThan(100_000_000);
    });

    test('bytes that a handler keeps against the rules are not its own, and reading them does no harm when the engine is closed', async () => {
      const kept: Uint8Array[] = [];
      const handler = new NotingHandler();
      handler.onData = (_, bytes) => kept.push(bytes);
      const { engine, remote } = await acceptOne(kind, handler);
      remote.socket.write(pattern(1_000));
      await eventually('they have come', () => kept.length > 0);
      await engine.close();
      expect(kept[0]?.reduce((sum, byte) => sum + byte, 0)).toBeGreaterThanOrEqual(0);
    });

    test('a silent relay takes little JavaScript memory beside its connections', async () => {
      setFlagsFromString('--expose-gc');
      const gc = runInNewContext('gc') as () => void;
      const engine = await openEngine(kind);
      const handler = { onConnect: () => undefined, onData: () => undefined };
      const backend = await listenWith(engine, connection => connection.start(handler));
      const waiting: Connection[] = [];
      const kept: Connection[] = [];
      const front = await listenWith(engine, client => waiting.push(client));
      const connect = async (count: number) => {
        for (let at = 0; at < count; at++) {
          kept.push(engine.connect({ port: front.address.port }, handler));
          waiting.push(engine.connect({ port: backend.address.port }, handler));
        }
        await eventually(
          'all are connected',
          () => waiting.length === 2 * count && waiting.every(({ isConnected }) => isConnected),
        );
      };
      const relay = () => {
        for (const [at, one] of waiting.entries()) {
          if (at % 2 === 0) engine.relay(one, waiting[at + 1] as Connection, { idleTimeoutMs: 3_600_000 }, () => undefined);
        }
        waiting.length = 0;
      };
      const rounds: number[] = [];
      for (let round = 0; round < 4; round++) {
        await connect(200);
        gc();
        const before = process.memoryUsage().heapUsed;
        relay();
        gc();
        rounds.push((process.memoryUsage().heapUsed - before) / 200);
      }
      // In some rounds code is compiled.
      const bytes = Math.min(...rounds);
      // The polls of io_uring have a place each.
      expect(bytes).toBeLessThan(kind === 'io_uring' ? 1_100 : 750);
    });

    test('out of descriptors: accepting waits without spinning, says so, and goes on by itself', async () => {
      const child = spawn('sh', ['-c', 'ulimit -n 64 && exec "$0" "$@"', process.execPath, '--conditions=source', CHILD, kind], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      afterTest(() => child.kill());
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const port = Number(line.toString());
      const remotes = await Promise.all(Array.from({ length: 90 }, () => connectRemote({ port })));
      for (const remote of remotes) remote.socket.write('x');
      const served = () => remotes.filter(({ bytes }) => bytes > 0);
      await eventually('some are served', () => served().length > 10);
      await sleep(200);
      const first = served();
      expect(first.length).toBeLessThan(64);
      const ask = async (remote: Remote) => {
        remote.chunks.length = 0;
        remote.bytes = 0;
        remote.socket.write('stats');
        await eventually('it answers', () => remote.bytes > 10);
        return JSON.parse(remote.received.toString()) as { warnings: string[]; acceptPauses: number };
      };
      const before = await ask(first[0] as Remote);
      await sleep(500);
      const after = await ask(first[0] as Remote);
      expect(after.acceptPauses).toBeGreaterThan(0);
      expect(after.warnings).toHaveLength(1);
      // One try in 100 ms; a listener that is watched on makes thousands.
      expect(after.acceptPauses - before.acceptPauses).toBeLessThan(20);
      await eventually('those who waited are served, when others go', () => {
        for (const remote of served()) remote.socket.destroy();
        return remotes.every(({ bytes }) => bytes > 0);
      });
    });
  },
  nativeKinds,
);
