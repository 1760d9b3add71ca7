/** Programs that start, die, leave and are replaced, in virtual time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { WorkerProcess } from '../../../dispatcher/src/child-process.ts';
import { WorkerProcesses } from '../../../dispatcher/src/worker-processes.ts';
import { recordingLog } from '../../support/recording-log.ts';

class FakeProcess implements WorkerProcess {
  readonly ticket: number;
  readonly pid: number | undefined = 1;
  readonly signals: string[] = [];
  isDrained = false;
  isEnded = false;
  readonly #end = Promise.withResolvers<string>();
  readonly ended = this.#end.promise;

  constructor(ticket: number) {
    this.ticket = ticket;
  }

  signal(signal: NodeJS.Signals): void {
    this.signals.push(signal);
  }

  end(how = 'exit code 0'): void {
    this.isEnded = true;
    this.#end.resolve(how);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(count = 1) {
  const started: FakeProcess[] = [];
  const log = recordingLog();
  let next = 0;
  const processes = new WorkerProcesses(
    { count, command: ['program'], startMs: 1_000, drainMs: 5_000 },
    {
      log: log.log,
      // Nearly no jitter, and no ticket twice.
      random: () => 1 - ++next / 2 ** 20,
      nowMs: () => Date.now(),
      socketPath: '/s',
      drain: ticket => {
        const process = started.find(one => one.ticket === ticket);
        if (process === undefined || !connected.has(ticket)) return false;
        process.isDrained = true;
        return true;
      },
      startProcess: ticket => {
        const process = new FakeProcess(ticket);
        started.push(process);
        return process;
      },
    },
  );
  const connected = new Set<number>();
  const ready = (at: number) => {
    const { ticket } = started[at] as FakeProcess;
    connected.add(ticket);
    processes.onReady(ticket);
  };
  processes.start();
  return { processes, started, log, ready };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('a program that dies is started again, later each time that it dies soon', async () => {
  const { started, ready } = start();
  const startedAt: number[] = [];
  for (let at = 0; at < 6; at++) {
    ready(at);
    started[at]?.end('exit code 1');
    const sinceMs = Date.now();
    while (started.length === at + 1) await pass(10);
    startedAt.push(Date.now() - sinceMs);
  }
  expect(startedAt).toEqual(startedAt.toSorted((a, b) => a - b));
  expect(startedAt[0]).toBeLessThan(300);
  expect(startedAt[5]).toBeGreaterThan(3_000);
  expect(started).toHaveLength(7);
});

test('one that does not become ready is ended: SIGTERM, then SIGKILL', async () => {
  const { started, ready } = start(2);
  ready(1);
  await pass(999);
  expect(started.map(({ signals }) => signals)).toEqual([[], []]);
  await pass(1);
  expect(started[0]?.signals).toEqual(['SIGTERM']);
  await pass(2_000);
  expect(started.map(({ signals }) => signals)).toEqual([['SIGTERM', 'SIGKILL'], []]);
});

test('a roll starts the new one first, drains the old one, and goes on when that has ended', async () => {
  const { processes, started, ready } = start(2);
  ready(0);
  ready(1);
  void processes.roll();
  await pass(0);
  expect([started.length, started[0]?.isDrained]).toEqual([3, false]);
  expect(processes.isWanted(started[0]?.ticket ?? 0)).toBe(true);
  ready(2);
  await pass(0);
  expect([started.length, started[0]?.isDrained, started[1]?.isDrained]).toEqual([3, true, false]);
  expect(processes.isWanted(started[0]?.ticket ?? 0)).toBe(false);
  started[0]?.end();
  await pass(0);
  expect(started).toHaveLength(4);
  ready(3);
  await pass(0);
  started[1]?.end();
  await pass(60_000);
  expect(started).toHaveLength(4);
  expect(started.map(({ signals }) => signals)).toEqual([[], [], [], []]);
});

test('one whose link is lost has the time of a start to come again', async () => {
  const { processes, started, ready } = start(2);
  ready(0);
  ready(1);
  // Of the second one the new link is known before the end of the old one.
  ready(1);
  for (const at of [0, 1]) processes.onGone(started[at]?.ticket ?? 0);
  await pass(999);
  processes.onGone(started[1]?.ticket ?? 0);
  ready(1);
  await pass(1);
  expect(started.map(({ signals }) => signals)).toEqual([['SIGTERM'], []]);
  started[0]?.end('SIGKILL');
  await pass(1_000);
  expect(started).toHaveLength(3);
  // That of one which drains is nobody's business.
  void processes.stop();
  processes.onGone(started[1]?.ticket ?? 0);
  await pass(4_000);
  expect(started[1]?.signals).toEqual([]);
});

test('a hundred rolls at once are two: the one that goes on, and one for all who came later', async () => {
  const { processes, started, ready } = start();
  ready(0);
  const rolls = Array.from({ length: 100 }, () => processes.roll());
  for (let at = 1; at <= 2; at++) {
    await pass(0);
    expect(started).toHaveLength(at + 1);
    ready(at);
    await pass(0);
    started[at - 1]?.end();
  }
  await Promise.all(rolls);
  await pass(60_000);
  expect(started).toHaveLength(3);
  void processes.roll();
  await pass(0);
  expect(started).toHaveLength(4);
});

test('when nobody waits any more, all are ended at once, those that drain too', async () => {
  const { processes, started, ready } = start(2);
  ready(0);
  void processes.stop();
  await pass(0);
  processes.abandon();
  expect(started.map(({ signals }) => signals)).toEqual([['SIGKILL'], ['SIGTERM', 'SIGKILL']]);
});

test('a roll to a version that does not start leaves the old ones', async () => {
  const { processes, started, ready, log } = start(2);
  ready(0);
  ready(1);
  void processes.roll();
  await pass(0);
  started[2]?.end('exit code 1');
  await pass(60_000);
  expect([started.length, started[0]?.isDrained, started[1]?.isDrained]).toEqual([3, false, false]);
  expect(log.events()).toContain('the new worker did not become ready: the old ones stay');
});

test('one that does not drain in time is ended', async () => {
  const { processes, started, ready } = start();
  ready(0);
  void processes.roll();
  await pass(0);
  ready(1);
  await pass(4_999);
  expect(started[0]?.signals).toEqual([]);
  await pass(1);
  expect(started[0]?.signals).toEqual(['SIGTERM']);
});

test('one that leaves by itself is replaced before it is gone, and its end starts nothing', async () => {
  const { processes, started, ready } = start();
  ready(0);
  processes.onLeaving(started[0]?.ticket ?? 0);
  expect(started).toHaveLength(2);
  ready(1);
  started[0]?.end();
  await pass(60_000);
  expect(started).toHaveLength(2);
});

test('a stop drains all, waits for their end, and starts nothing any more', async () => {
  const { processes, started, ready } = start(2);
  ready(0);
  let isStopped = false;
  void processes.stop().then(() => {
    isStopped = true;
  });
  await pass(100);
  expect([started[0]?.isDrained, started[0]?.signals, started[1]?.signals, isStopped]).toEqual([true, [], ['SIGTERM'], false]);
  for (const process of started) process.end();
  await pass(60_000);
  expect([isStopped, started.length]).toEqual([true, 2]);
});

test('tickets of others are not wanted', () => {
  const { processes, started } = start();
  expect([processes.isWanted(started[0]?.ticket ?? 0), processes.isWanted(12_345)]).toEqual([true, false]);
});

test('a program that is gone when it is started again is not said to have died', async () => {
  const { started, log, ready } = start();
  ready(0);
  started[0]?.end('exit code 1');
  await pass(200);
  Object.assign(started[1] as FakeProcess, { pid: undefined });
  started[1]?.end('spawn program ENOENT');
  await pass(1);
  expect(log.records.filter(({ level }) => level === 'error').map(({ event, fields }) => [event, fields?.['how']])).toEqual([
    ['a worker died, and is started again', 'exit code 1'],
    ['a worker could not be started, and is tried again', 'spawn program ENOENT'],
  ]);
});
