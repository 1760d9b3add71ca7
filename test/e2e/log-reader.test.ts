/** Services whose log nobody reads, or whose disk is full: they go on serving, and stop when they are asked to. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { constants, existsSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { LarsFolder } from './cli-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const LARS = fileURLToPath(new URL('../../cli/bin/lars.js', import.meta.url));
const SERVICES = ['agent', 'dnsserver', 'reporter'] as const;

let folder: LarsFolder;
let children: ChildProcess[];
beforeEach(() => {
  folder = new LarsFolder();
  folder.writeStandardConf();
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await folder.dispose();
});

/** A service that logs a line each millisecond and more, beside what it does; its standard error is `stderr`. */
async function startTalker(name: string, stderr: 'pipe' | number, results?: Pipe) {
  folder.write('talk.mjs', TALK);
  const args = ['--import', path.join(folder.path, 'talk.mjs'), LARS, name, '--json'];
  const env = { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', RUNTIME: new URL('../../runtime/dist/', import.meta.url).href };
  const child = spawn(process.execPath, args, { cwd: folder.path, env, stdio: ['ignore', results?.fifo ?? 'pipe', stderr] });
  children.push(child);
  const text = results === undefined ? String(await once(child.stdout as Readable, 'data')) : await results.readOn('"conf":');
  return { child, url: `http://127.0.0.1:${/"httpPort":(\d+)/.exec(text)?.[1]}` };
}

type Pipe = ReturnType<typeof newPipe>;

/** A pipe that this process can read, and does not until it is asked to. */
function newPipe() {
  const file = path.join(folder.path, 'log');
  expect(spawnSync('mkfifo', [file]).status).toBe(0);
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const fifo = openSync(file, constants.O_WRONLY);
  const read = Buffer.alloc(4096);
  const readOn = async (until: string) => {
    let text = '';
    for (let i = 0; i < 5_000 && !text.includes(until); i++) {
      try {
        text += read.toString('utf8', 0, readSync(reader, read));
      } catch {
        await sleep(5);
      }
    }
    return text;
  };
  return { fifo, readOn };
}

/** Far more than any pipe takes. */
const TALK = `
  const { createLogger } = await import(process.env.RUNTIME + 'process-log.js');
  const { isMainThread } = await import('node:worker_threads');
  if (isMainThread) {
    const log = await createLogger('talker', { level: 'info', format: 'json' });
    let n = 0;
    process.on('SIGWINCH', () => { log.error('the last words'); throw new Error('a bug'); });
    setInterval(() => { for (let i = 0; i < 20; i++) log.info('a line', { n: n++, filling: 'x'.repeat(500) }); }, 2).unref();
  }`;

async function dropped(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2_000) })).text();
  return Number(/^lars_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1]);
}

async function servesAndStops({ child, url }: { readonly child: ChildProcess; readonly url: string }) {
  await vi.waitUntil(async () => (await dropped(url)) > 100, { timeout: 20_000, interval: 200 });
  const startMs = performance.now();
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toStrictEqual([0, null]);
  expect(performance.now() - startMs).toBeLessThan(4_000);
}

describe.each(SERVICES)('%s', name => {
  test('serves and stops while nobody reads the socket that is its log', async () => {
    await servesAndStops(await startTalker(name, 'pipe'));
  });

  test('serves and stops while nobody reads the pipe that is its log, and says what was dropped when somebody does', async () => {
    const { fifo, readOn } = newPipe();
    const talker = await startTalker(name, fifo);
    await vi.waitUntil(async () => (await dropped(talker.url)) > 100, { timeout: 20_000, interval: 200 });
    const text = await readOn('lines were dropped');
    const note = text.split('\n').find(line => line.includes('lines were dropped')) ?? '{}';
    expect(JSON.parse(note)).toMatchObject({
      level: 'warn',
      lines: expect.any(Number),
      msg: expect.stringMatching(/^\d+ lines/),
    });
    await servesAndStops(talker);
  });

  // Writing to it fails as on a disk that is full.
  test.runIf(existsSync('/dev/full'))('serves and stops when the disk of its log is full', async () => {
    await servesAndStops(await startTalker(name, openSync('/dev/full', 'w')));
  });
});

test('a process whose results and log go into one pipe that nobody reads stops when it is asked to', async () => {
  const pipe = newPipe();
  await servesAndStops(await startTalker('dnsserver', pipe.fifo, pipe));
});

test('a process that dies of a bug has its last lines in the log, also when its reader is slow', async () => {
  const { fifo, readOn } = newPipe();
  const talker = await startTalker('dnsserver', fifo);
  await vi.waitUntil(async () => (await dropped(talker.url)) > 100, { timeout: 20_000, interval: 200 });
  const ended = once(talker.child, 'exit');
  talker.child.kill('SIGWINCH');
  const text = await readOn('the last words');
  expect(text).toContain('the last words');
  expect((await ended)[0]).not.toBe(0);
});
