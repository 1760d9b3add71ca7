import { BroadcastChannel } from 'node:worker_threads';
import { StartupError } from '@lars/runtime/errors';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Supervisor } from '../../../agent/src/threads/supervisor.ts';
import { eventually } from '../../support/eventually.ts';
import { recordingLog } from '../../support/recording-log.ts';
import type { Command, Said, ScriptedThreadData } from '../../support/workers/scripted-thread.ts';

type Name = 'a' | 'b' | 'c';
type Starts = Partial<Record<Name, ScriptedThreadData['start']>>;

const SCRIPT = new URL('../../support/workers/scripted-thread.ts', import.meta.url);
const STOP_TIMEOUT_MS = 2_000;

let runs = 0;
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  expect(liveThreads()).toBe(0);
});

/** How many worker threads this process has now. */
function liveThreads(): number {
  return (process.report.getReport() as unknown as { readonly workers: unknown[] }).workers.length;
}

/** Three threads, each connected with each. */
function supervise(starts: Starts = {}) {
  const channelName = `supervisor test ${process.pid} ${runs++}`;
  const channel = new BroadcastChannel(channelName);
  const said: Said[] = [];
  channel.onmessage = event => said.push((event as { data: Said }).data);
  const recording = recordingLog();
  const clock = { nowMs: 0, monotonicMs: () => clock.nowMs, unixMs: () => 0 };
  const givenUp: Error[] = [];
  const gate = new SharedArrayBuffer(4);
  const names: readonly Name[] = ['a', 'b', 'c'];
  const supervisor = new Supervisor<Name>({
    specs: names.map(name => ({
      name,
      script: SCRIPT,
      data: (lastPort): ScriptedThreadData => ({ channel: channelName, lastPort, start: starts[name] ?? 'serve', gate }),
    })),
    channels: [
      ['a', 'b'],
      ['a', 'c'],
      ['b', 'c'],
    ],
    log: recording.log,
    clock,
    onRestartLimitReached: reason => givenUp.push(reason),
  });
  cleanUps.push(async () => {
    openGate();
    await supervisor.stop(names, STOP_TIMEOUT_MS);
    channel.close();
  });
  const tell = (to: Name, act: Command['act'], peer?: Name) =>
    channel.postMessage({ to, act, ...(peer && { peer }) } satisfies Command);
  const openGate = () => {
    Atomics.store(new Int32Array(gate), 0, 1);
    Atomics.notify(new Int32Array(gate), 0);
  };
  const heard = (from: Name, event: Said['event'], value?: unknown) =>
    said.filter(one => one.from === from && one.event === event && one.value === value).length;
  const hear = (from: Name, event: Said['event'], value?: unknown, times = 1) =>
    eventually(`${from}: ${event} ${value} (${times})`, () => heard(from, event, value) >= times);
  const restarted = (name: Name, times: number) =>
    eventually(
      `${name} restarted ${times} times`,
      () => supervisor.restarts(name) === times && hear(name, 'serving', 4_001, times),
    );
  return { supervisor, said, recording, clock, givenUp, tell, openGate, heard, hear, restarted };
}

/** Dies, and is served again. */
async function dieOnce(world: ReturnType<typeof supervise>, name: Name, times: number): Promise<void> {
  world.tell(name, 'crash');
  await world.restarted(name, times);
}

describe('threads that are started', () => {
  test('are ready, and each can write to each', async () => {
    const { supervisor, tell, hear } = supervise();
    await supervisor.start();
    expect(supervisor.readyThread('b')).toEqual({ port: 4_001, transport: 'scripted' });
    for (const [one, other] of [
      ['a', 'b'],
      ['b', 'a'],
      ['c', 'a'],
      ['b', 'c'],
    ] as const) {
      await hear(one, 'connected', other);
      tell(one, 'post', other);
      await hear(other, 'mail', `from ${one}`);
    }
    expect(liveThreads()).toBe(3);
  });

  test('log through main, under their name', async () => {
    const { supervisor, tell, recording } = supervise();
    await supervisor.start();
    tell('b', 'log');
    await eventually('a line', () => recording.records.length > 0);
    expect(recording.records).toEqual([{ level: 'warn', event: 'something happened', fields: { thread: 'b', number: 7 } }]);
  });

  test('all end when one refuses to start, and the start fails with its words', async () => {
    const { supervisor } = supervise({ a: 'wait', b: 'refuse' });
    const started = supervisor.start();
    await expect(started).rejects.toThrow(StartupError);
    await expect(started).rejects.toMatchObject({ code: 'EADDRINUSE', message: 'port 1 is taken' });
    expect(liveThreads()).toBe(0);
  });

  test('all end when one breaks at the start', async () => {
    const { supervisor } = supervise({ c: 'break' });
    await expect(supervisor.start()).rejects.toThrow('a bug at the start');
    expect(liveThreads()).toBe(0);
  });

  test('are started again also while others are still starting', async () => {
    const { supervisor, tell, hear } = supervise({ c: 'wait' });
    const started = supervisor.start();
    await hear('a', 'serving', 0);
    await hear('c', 'waiting');
    await eventually('a is ready', () => supervisor.readyThread('a') !== undefined);
    tell('a', 'crash');
    await hear('a', 'serving', 4_001);
    tell('c', 'go');
    await started;
    expect(supervisor.restarts('a')).toBe(1);
    await hear('c', 'connected', 'a', 2);
    tell('c', 'post', 'a');
    await hear('a', 'mail', 'from c');
  });
});

test('a thread that must not be ended now is ended afterwards', async () => {
  const { supervisor, tell, hear, heard, restarted } = supervise();
  await supervisor.start();
  tell('a', 'guard');
  await hear('a', 'guarded');
  await hear('a', 'connected', 'b');
  const killed = supervisor.kill('a');
  tell('a', 'post', 'b');
  await hear('b', 'mail', 'from a');
  expect(heard('a', 'serving', 4_001)).toBe(0);
  tell('a', 'go');
  await killed;
  await restarted('a', 1);
});

describe('a thread that dies', () => {
  test.each([
    ['crash', 'crashed as told'],
    ['exit', 'thread a exited without an error'],
  ] as const)('by %s is started again, and the log says why', async (act, why) => {
    const { supervisor, tell, recording, restarted } = supervise();
    await supervisor.start();
    tell('a', act);
    await restarted('a', 1);
    expect(recording.records).toEqual([
      { level: 'error', event: 'thread a died', fields: { error: why } },
      { level: 'warn', event: 'thread a is started again', fields: {} },
    ]);
    expect([supervisor.restarts('a'), supervisor.restarts('b')]).toEqual([1, 0]);
  });

  test.each(['a', 'b', 'c'] as const)('is connected with all others again, and they with it: %s', async name => {
    const { supervisor, tell, hear, heard, restarted } = supervise();
    const [one, other] = (['a', 'b', 'c'] as const).filter(peer => peer !== name) as [Name, Name];
    await supervisor.start();
    for (const peer of [one, other]) await hear(name, 'connected', peer);
    await supervisor.kill(name);
    await restarted(name, 1);
    for (const peer of [one, other]) {
      await hear(name, 'connected', peer, 2);
      await hear(peer, 'connected', name, 2);
      tell(name, 'post', peer);
      await hear(peer, 'mail', `from ${name}`);
      tell(peer, 'post', name);
      await hear(name, 'mail', `from ${peer}`);
    }
    expect(heard(one, 'connected', other)).toBe(1);
  });

  test('is given the port that it had', async () => {
    const world = supervise();
    await world.supervisor.start();
    await dieOnce(world, 'a', 1);
    expect([world.heard('a', 'serving', 0), world.heard('a', 'serving', 4_001)]).toEqual([1, 1]);
    expect(world.supervisor.readyThread('a')?.port).toBe(4_001);
  });

  test('has its last mail read, though its reader was busy until its successor came', async () => {
    const { supervisor, tell, hear, openGate } = supervise();
    await supervisor.start();
    await hear('a', 'connected', 'b');
    tell('b', 'block');
    await hear('b', 'obeys', 'block');
    tell('a', 'post-and-crash', 'b');
    await hear('a', 'serving', 4_001);
    openGate();
    await hear('b', 'mail', 'from a');
  });

  test('six times within a minute is given up, with the reason', async () => {
    const world = supervise();
    await world.supervisor.start();
    for (let deaths = 1; deaths <= 5; deaths++) {
      await dieOnce(world, 'a', deaths);
      world.clock.nowMs += 11_000;
    }
    expect(world.givenUp).toEqual([]);
    world.tell('a', 'crash');
    await eventually('given up', () => world.givenUp.length > 0);
    expect(world.givenUp.map(({ message }) => message)).toEqual(['thread a died 6 times within 60 s, last: crashed as told']);
    expect(world.givenUp[0]?.cause).toMatchObject({ message: 'crashed as told' });
    expect(liveThreads()).toBe(2);
    expect(world.supervisor.restarts('a')).toBe(5);
  });

  test('more often, but over a longer time, is not given up; nor do the deaths of all add up', async () => {
    const world = supervise();
    await world.supervisor.start();
    for (let deaths = 1; deaths <= 7; deaths++) {
      await dieOnce(world, 'a', deaths);
      world.clock.nowMs += 12_001;
    }
    for (const name of ['b', 'c'] as const) for (let deaths = 1; deaths <= 3; deaths++) await dieOnce(world, name, deaths);
    expect(world.givenUp).toEqual([]);
  }, 60_000);
});

describe('threads that are told to stop', () => {
  test('stop in order, all at once, and none is started again', async () => {
    const { supervisor, heard, recording } = supervise();
    await supervisor.start();
    await supervisor.stop(['a', 'b', 'c'], STOP_TIMEOUT_MS);
    expect(liveThreads()).toBe(0);
    expect((['a', 'b', 'c'] as const).map(name => supervisor.restarts(name))).toEqual([0, 0, 0]);
    expect(recording.records).toEqual([]);
    await eventually('all have said so', () => (['a', 'b', 'c'] as const).every(name => heard(name, 'stopped') === 1));
  });

  test('and end in time leave no timer behind, which would say that they did not', async () => {
    const { supervisor } = supervise();
    await supervisor.start();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await supervisor.stop(['a', 'b', 'c'], STOP_TIMEOUT_MS);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('one stage after the other; a thread of a later stage that dies meanwhile stays dead', async () => {
    const { supervisor, tell, said } = supervise();
    await supervisor.start();
    await supervisor.stop(['a', 'b'], STOP_TIMEOUT_MS);
    expect(liveThreads()).toBe(1);
    tell('c', 'crash');
    await eventually('c is dead', () => liveThreads() === 0);
    await supervisor.stop(['c'], STOP_TIMEOUT_MS);
    expect(supervisor.restarts('c')).toBe(0);
    expect(
      said
        .filter(({ event }) => event === 'stopped')
        .map(({ from }) => from)
        .sort(),
    ).toEqual(['a', 'b']);
  });

  test.each(['spin', 'hang-at-stop'] as const)('and do not end in time, here by %s, are ended', async act => {
    const { supervisor, tell, hear, recording } = supervise();
    await supervisor.start();
    tell('b', act);
    await hear('b', 'obeys', act);
    await supervisor.stop(['b'], 100);
    expect(liveThreads()).toBe(2);
    expect(recording.events()).toEqual(['thread b did not stop in time; terminated']);
  });

  test('while one is being started again: it is not', async () => {
    const { supervisor, tell, recording } = supervise();
    await supervisor.start();
    tell('a', 'crash');
    await eventually('a died', () => recording.events().includes('thread a died'));
    await supervisor.stop(['a', 'b', 'c'], STOP_TIMEOUT_MS);
    expect([supervisor.restarts('a'), liveThreads()]).toEqual([0, 0]);
  });
});
