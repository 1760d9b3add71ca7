/** `lars dispatch` with worker programs: a hung one, a killed one, a new version, the end; in Node and in Python; with too few descriptors. */

import { existsSync, readdirSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { IS_FULL, SIZED_TIMEOUT_MS } from '../support/full-size.ts';
import { hasPrograms } from '../support/needed-programs.ts';
import { LarsFolder, type LarsProcess } from './cli-process.ts';

const SERVER = fileURLToPath(new URL('../support/workers/dispatched-server.ts', import.meta.url));
const PYTHON_WORKER = fileURLToPath(new URL('../../examples/dispatch-worker.py', import.meta.url));
const START_MS = 60_000;

interface Answer {
  readonly pid: number;
  readonly id: string;
}

interface RunningDispatch {
  readonly process: LarsProcess;
  readonly port: number;
  readonly httpPort: number;
  readonly pid: number;
}

async function startDispatch(
  folder: LarsFolder,
  flags: readonly string[],
  command: readonly string[],
  shell?: readonly string[],
): Promise<RunningDispatch> {
  const own = ['--listen', '127.0.0.1:0', '--socket', 'dispatch.sock', '--http', '127.0.0.1:0'];
  const args = ['dispatch', '--json', ...own, ...flags, ...(command.length === 0 ? [] : ['--', ...command])];
  const running = folder.start(args, shell === undefined ? {} : { shell });
  const ready = (await running.ready) as unknown as { pid: number; dispatcher: { listens: string[]; httpPort: number } };
  const { listens, httpPort } = ready.dispatcher;
  return { process: running, port: Number(listens[0]?.split(':')[1]), httpPort, pid: ready.pid };
}

/** Each on a connection of its own. */
function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: new Agent({ keepAlive: false }) }, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    });
    request.on('error', reject);
  });
}

async function answerOf(port: number, path: string): Promise<Answer> {
  const [pid = '', id = ''] = (await ask(port, path)).split(' ');
  return { pid: Number(pid), id };
}

async function readyCount({ httpPort }: RunningDispatch): Promise<number> {
  const { workers } = JSON.parse(await ask(httpPort, '/workers')) as { workers: readonly { state: string }[] };
  return workers.filter(({ state }) => state === 'ready').length;
}

async function metric({ httpPort }: RunningDispatch, name: string): Promise<number> {
  return Number(new RegExp(`^lars_dispatcher_${name} (\\S+)$`, 'm').exec(await ask(httpPort, '/metrics'))?.[1]);
}

const twoReady = (dispatch: RunningDispatch) =>
  eventually('two workers', async () => (await readyCount(dispatch)) === 2, START_MS);

describe('two workers in Node', () => {
  const folder = new LarsFolder();
  let dispatch: RunningDispatch;

  beforeAll(async () => {
    const flags = ['--workers', '2', '--hand-over-limit', '2', '--start-limit', '60'];
    dispatch = await startDispatch(folder, flags, [process.execPath, SERVER]);
    await twoReady(dispatch);
  }, START_MS);
  afterAll(() => folder.dispose());

  test(
    'one that hangs loses what it has not taken, serves nothing twice, and comes back',
    async () => {
      const blocked = answerOf(dispatch.port, '/block?ms=6000&id=blocked');
      await eventually('it hangs', async () => (await metric(dispatch, 'handed_over_total')) >= 1);
      // While the other one has as many open, one that hangs is sent some, too.
      const pending = Array.from({ length: 6 }, (_, id) => answerOf(dispatch.port, `/?ms=500&id=${id}`));
      for (let id = pending.length; id < 20; id++) {
        pending.push(answerOf(dispatch.port, `/?id=${id}`));
        await sleep(50);
      }
      const answers = await Promise.all(pending);
      const hanging = await blocked;
      expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, id) => String(id)));
      expect(await metric(dispatch, 'workers_dismissed_total')).toBe(1);
      expect(await metric(dispatch, 'taken_back_total')).toBeGreaterThan(0);
      expect(answers.every(({ pid }) => pid !== hanging.pid)).toBe(true);
      expect(hanging.id).toBe('blocked');
      await twoReady(dispatch);
      expect(await metric(dispatch, 'refused_late_total')).toBe(0);
    },
    START_MS,
  );

  test(
    'one that is killed is started again, and nobody else notices',
    async () => {
      const { pid } = await answerOf(dispatch.port, '/');
      process.kill(pid, 'SIGKILL');
      const answers = await Promise.all(Array.from({ length: 10 }, () => answerOf(dispatch.port, '/').catch(() => undefined)));
      expect(answers.filter(answer => answer !== undefined && answer.pid !== pid).length).toBeGreaterThan(4);
      await eventually('it is counted', async () => (await metric(dispatch, 'workers_lost_total')) === 1, START_MS);
      await twoReady(dispatch);
      expect(await metric(dispatch, 'workers_lost_total')).toBe(1);
    },
    START_MS,
  );
});

describe('signals under load', () => {
  const folder = new LarsFolder();
  let dispatch: RunningDispatch;

  beforeAll(async () => {
    // A worker that is dismissed because a busy machine let it wait cannot drain at a SIGHUP.
    const flags = ['--workers', '2', '--hand-over-limit', '60', '--drain-limit', '20', '--start-limit', '60'];
    dispatch = await startDispatch(folder, flags, [process.execPath, SERVER]);
    await twoReady(dispatch);
  }, START_MS);
  afterAll(() => folder.dispose());

  test(
    'SIGHUP replaces both workers, without a failed request',
    async () => {
      const before = new Set([(await answerOf(dispatch.port, '/')).pid, (await answerOf(dispatch.port, '/')).pid]);
      const pending: Promise<Answer>[] = [];
      const load = setInterval(() => pending.push(answerOf(dispatch.port, '/?ms=300')), 25);
      dispatch.process.signal('SIGHUP');
      await dispatch.process.logged('all workers are replaced');
      clearInterval(load);
      const answers = await Promise.all(pending);
      expect(answers.length).toBeGreaterThan(5);
      for (let at = 0; at < 4; at++) expect(before).not.toContain((await answerOf(dispatch.port, '/')).pid);
      expect(await readyCount(dispatch)).toBe(2);
    },
    START_MS,
  );

  test(
    'SIGTERM: what was accepted is answered, all end',
    async () => {
      const before = await metric(dispatch, 'accepted_total');
      const pending = Array.from({ length: 10 }, (_, id) => answerOf(dispatch.port, `/?ms=500&id=${id}`));
      await eventually('they are accepted', async () => (await metric(dispatch, 'accepted_total')) === before + 10);
      dispatch.process.signal('SIGTERM');
      const answers = await Promise.all(pending);
      expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 10 }, (_, id) => String(id)));
      const { code, err } = await dispatch.process.ended;
      expect(code, err).toBe(0);
      for (const { pid } of answers) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    },
    START_MS,
  );
});

test.runIf(IS_FULL)(
  'SIGHUP replaces four workers under 200 connections a second, each answered after two seconds, without a failed one',
  async () => {
    const folder = new LarsFolder();
    try {
      const flags = ['--workers', '4', '--start-limit', '60', '--drain-limit', '20'];
      const dispatch = await startDispatch(folder, flags, [process.execPath, SERVER]);
      await eventually('the workers', async () => (await readyCount(dispatch)) === 4, START_MS);
      const pending: Promise<Answer>[] = [];
      const load = setInterval(() => {
        for (let each = 0; each < 4; each++) pending.push(answerOf(dispatch.port, `/?ms=2000&id=${pending.length}`));
      }, 20);
      await sleep(3_000);
      const before = new Set((await Promise.all(pending.slice(0, 100))).map(({ pid }) => pid));
      dispatch.process.signal('SIGHUP');
      await dispatch.process.logged('all workers are replaced');
      const at = pending.length;
      await sleep(1_000);
      clearInterval(load);
      const answers = await Promise.all(pending);
      expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: answers.length }, (_, id) => String(id)));
      expect([before.size, answers.slice(at).filter(({ pid }) => before.has(pid))]).toEqual([4, []]);
      expect(answers.length).toBeGreaterThan(1_000);
      expect(await metric(dispatch, 'handed_over_total')).toBe(await metric(dispatch, 'accepted_total'));
      expect([await metric(dispatch, 'taken_back_total'), await metric(dispatch, 'refused_late_total')]).toEqual([0, 0]);
    } finally {
      await folder.dispose();
    }
  },
  SIZED_TIMEOUT_MS,
);

test(
  '--takeover under load: the new one serves with its own workers, the old one drains and ends, nobody notices',
  async () => {
    const folder = new LarsFolder();
    try {
      const flags = ['--workers', '1', '--start-limit', '60', '--drain-limit', '20'];
      const old = await startDispatch(folder, flags, [process.execPath, SERVER]);
      await eventually('the worker', async () => (await readyCount(old)) === 1, START_MS);
      const before = (await answerOf(old.port, '/')).pid;
      const pending: Promise<Answer>[] = [];
      const load = setInterval(() => pending.push(answerOf(old.port, '/?ms=100')), 20);
      const again = ['dispatch', '--json', '--takeover', '--listen', `127.0.0.1:${old.port}`, '--socket', 'dispatch.sock'];
      const fresh = folder.start([...again, ...flags, '--', process.execPath, SERVER]);
      await fresh.ready;
      const { code, err } = await old.process.ended;
      expect([code, err.includes('another dispatcher takes over')], err).toEqual([0, true]);
      const after = await answerOf(old.port, '/');
      clearInterval(load);
      const answers = await Promise.all(pending);
      expect(answers.length).toBeGreaterThan(3);
      expect(after.pid).not.toBe(before);
      expect(() => process.kill(before, 0)).toThrow('ESRCH');
      expect((await fresh.interrupt()).code).toBe(0);
    } finally {
      await folder.dispose();
    }
  },
  START_MS,
);

test(
  'a worker that may open too few files takes what it can, and the rest is served when it has room; no descriptor stays',
  async () => {
    const folder = new LarsFolder();
    try {
      const worker = ['sh', '-c', 'ulimit -n 40; exec "$0" "$@"', process.execPath, SERVER];
      const dispatch = await startDispatch(folder, ['--workers', '1', '--start-limit', '60'], worker);
      await eventually('the worker', async () => (await readyCount(dispatch)) === 1, START_MS);
      await answerOf(dispatch.port, '/');
      const descriptors = () => readdirSync(`/proc/${dispatch.pid}/fd`).length;
      const before = descriptors();
      const answers = await Promise.all(Array.from({ length: 60 }, (_, id) => answerOf(dispatch.port, `/?ms=200&id=${id}`)));
      expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 60 }, (_, id) => String(id)));
      expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
      expect(await metric(dispatch, 'taken_back_total')).toBeGreaterThan(0);
      await eventually('the worker has said that it took all', async () => (await metric(dispatch, 'handed_over_total')) === 61);
      await eventually('no descriptor has stayed', () => descriptors() <= before, START_MS);
      expect((await dispatch.process.interrupt()).code).toBe(0);
    } finally {
      await folder.dispose();
    }
  },
  START_MS,
);

describe.runIf(hasPrograms('python3', ['python3']))('a worker in Python', () => {
  const folder = new LarsFolder();
  afterAll(() => folder.dispose());

  test(
    'speaks the protocol: serves, drains, ends; and few descriptors are enough for many clients',
    async () => {
      const shell = ['sh', '-c', 'ulimit -n 128; exec "$0" "$@"'];
      const dispatch = await startDispatch(folder, ['--workers', '1', '--start-limit', '60'], ['python3', PYTHON_WORKER], shell);
      await eventually('the worker', async () => (await readyCount(dispatch)) === 1, START_MS);
      const answers = await Promise.all(Array.from({ length: 300 }, (_, id) => ask(dispatch.port, `/${id}`)));
      expect(answers.every((answer, id) => answer.includes(`listener 0: GET /${id} HTTP/1.1`))).toBe(true);
      await eventually('the worker has said that it took all', async () => (await metric(dispatch, 'handed_over_total')) === 300);
      const { code, err } = await dispatch.process.interrupt();
      expect(code, err).toBe(0);
      expect(err).toContain('exit code 0');
    },
    START_MS,
  );
});

test(
  'a second SIGTERM leaves no worker behind, however it hangs; a worker finds the socket from any folder',
  async () => {
    const folder = new LarsFolder();
    try {
      const hanging = 'trap "" TERM; cd /; test -S "$LARS_DISPATCH_SOCKET" && echo "here is $$" >&2; exec sleep 1000';
      const { process: running } = await startDispatch(folder, ['--workers', '1'], ['sh', '-c', hanging]);
      await running.logged('here is ');
      const again = setInterval(() => running.signal('SIGTERM'), 100);
      const { err } = await running.ended;
      clearInterval(again);
      expect(err).toContain('SIGTERM again: exiting before everything was stopped');
      const pid = Number(/here is (\d+)/.exec(err)?.[1]);
      await eventually('it is gone', () => !existsSync(`/proc/${pid}`));
    } finally {
      await folder.dispose();
    }
  },
  START_MS,
);

test(
  'a command line that makes no sense is refused in one line',
  async () => {
    const folder = new LarsFolder();
    const cases: readonly (readonly [readonly string[], string])[] = [
      [
        ['--listen', 'nowhere', '--socket', 's'],
        "--listen: 'nowhere' is no place to listen: expected IP:PORT, [IPV6]:PORT or unix:PATH",
      ],
      [['--listen', 'unix:s', '--socket', 's'], '--listen unix:s is --socket already'],
      [['--listen', '[::1]:1', '--listen', '[::1]:1', '--socket', 's'], '--listen [::1]:1 is another --listen already'],
      [['--listen', '127.0.0.1:0'], "required option '--socket <path>' not specified"],
      [['--listen', '127.0.0.1:0', '--socket', 's', '--workers', '2'], '--workers and a program behind -- belong together'],
      [['--listen', '127.0.0.1:0', '--socket', 's', '--socket-mode', '999'], '--socket-mode 999: expected three octal digits'],
    ];
    for (const [args, message] of cases) {
      const { code, err } = await folder.run(['dispatch', ...args]);
      expect([code, err.split('\n').length]).toEqual([2, 2]);
      expect(err).toContain(message);
    }
    await folder.dispose();
  },
  START_MS,
);
