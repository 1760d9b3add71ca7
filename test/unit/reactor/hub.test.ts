import { readFile } from 'node:fs';
import { loadNative } from '@lars/syscalls/native';
import { afterEach, describe, expect, test } from 'vitest';
import { EngineCore } from '../../../reactor/src/engine-core.ts';
import { NativeMemory } from '../../../reactor/src/linux/memory.ts';
import { EpollSet } from '../../../reactor/src/native/epoll-set.ts';
import { Hub } from '../../../reactor/src/native/hub.ts';
import { Ready } from '../../../reactor/src/native/readiness-set.ts';
import { Ring } from '../../../reactor/src/uring/ring.ts';
import { bindUring, type UringLibc } from '../../../reactor/src/uring/uring-calls.ts';
import { UringSet } from '../../../reactor/src/uring/uring-set.ts';
import { eventually } from '../../support/eventually.ts';

const outcome = await loadNative(bindUring);
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A container may forbid io_uring. */
function mayHaveRings(): boolean {
  try {
    if ('bound' in outcome) new Ring(outcome.bound.calls).close();
    return 'bound' in outcome;
  } catch {
    return false;
  }
}

const kinds = mayHaveRings() ? ['epoll', 'io_uring'] : ['epoll'];

describe.runIf('bound' in outcome).each(kinds)('Hub, %s', kind => {
  const { libc, calls } = (outcome as { readonly bound: UringLibc }).bound;
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

  function openHub(nowMs: () => number = () => performance.now()): Hub {
    const core = new EngineCore({ log: silent, nowMs });
    const set = kind === 'epoll' ? new EpollSet(libc) : new UringSet(calls, core);
    const hub = new Hub(core, libc, set);
    closing.push(() => hub.close());
    return hub;
  }

  /** A pipe that is empty; its reading end is readable where the other end is closed. */
  function openPipe(isReadable: boolean): { readonly readFd: number } {
    const { scratch, scratchAddress } = new NativeMemory(libc);
    libc.pipe2(scratchAddress, 0);
    const writeFd = scratch.getInt32(4, true);
    if (isReadable) libc.close(writeFd);
    else closing.push(() => libc.close(writeFd));
    return { readFd: scratch.getInt32(0, true) };
  }

  test('what epoll said of a descriptor that was given away and closed is not told to its successor', async () => {
    const hub = openHub();
    const told: string[] = [];
    const pipes = [openPipe(true), openPipe(true)] as const;
    const successor: { fd?: number } = {};
    const meet = (mine: number, other: number) => ({
      onReady: () => {
        told.push(`pipe ${mine}`);
        const { readFd } = pipes[other] as { readonly readFd: number };
        hub.remove((pipes[mine] as { readonly readFd: number }).readFd);
        hub.remove(readFd);
        libc.close(readFd);
        const next = openPipe(false);
        successor.fd = next.readFd;
        expect(next.readFd).toBe(readFd);
        hub.add(next.readFd, { onReady: () => void told.push('successor') }, Ready.readable);
      },
    });
    hub.add(pipes[0].readFd, meet(0, 1), Ready.readable);
    hub.add(pipes[1].readFd, meet(1, 0), Ready.readable);
    await eventually('one of the two is told', () => told.length > 0);
    await new Promise(resolve => setTimeout(resolve, 30));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/^pipe/);
    closing.push(() => libc.close(successor.fd as number));
  });

  test('a descriptor that closes keeps its number until the turn is over, and says nothing any more', async () => {
    const hub = openHub();
    const told: string[] = [];
    const pipes = [openPipe(true), openPipe(true)] as const;
    const meet = (name: string) => ({
      onReady: () => {
        told.push(name);
        for (const { readFd } of pipes) hub.closeLater(readFd);
        const next = openPipe(false);
        closing.push(() => libc.close(next.readFd));
        expect(pipes.map(({ readFd }) => readFd)).not.toContain(next.readFd);
        hub.tellLater(() => told.push('ending'));
      },
    });
    hub.add(pipes[0].readFd, meet('first'), Ready.readable);
    hub.add(pipes[1].readFd, meet('second'), Ready.readable);
    await eventually('the end is told', () => told.includes('ending'));
    expect(told).toHaveLength(2);
    await eventually('its number is used again', () => {
      const reused = openPipe(false);
      closing.push(() => libc.close(reused.readFd));
      return pipes.some(({ readFd }) => readFd === reused.readFd);
    });
  });

  test('tasks run once for each time they are scheduled, and may schedule themselves', async () => {
    const hub = openHub();
    let runs = 0;
    const task = {
      isScheduled: false,
      run: () => {
        runs += 1;
        if (runs < 3) hub.schedule(task);
      },
    };
    hub.schedule(task);
    hub.schedule(task);
    await eventually('it ran', () => runs === 3);
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(runs).toBe(3);
  });

  test('what there is to do is done before the thread waits for several engines', async () => {
    const hub = openHub();
    openHub().add(openPipe(false).readFd, { onReady: () => undefined }, Ready.readable);
    const startMs = performance.now();
    for (let step = 0; step < 30; step++) {
      await new Promise<void>(resolve => hub.schedule({ isScheduled: false, run: resolve }));
      await new Promise<void>(resolve => hub.tellLater(resolve));
    }
    // Behind a wait each of the sixty would take 100 ms.
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  /** A source that tells at the next wait, once. */
  function tellOnce(hub: Hub, run: () => void): void {
    const { readFd } = openPipe(true);
    hub.add(
      readFd,
      {
        onReady: () => {
          hub.closeLater(readFd);
          run();
        },
      },
      Ready.readable,
    );
  }

  const toldOnce = (hub: Hub) => new Promise<void>(resolve => tellOnce(hub, resolve));

  test('what a source has begun goes on before a wait blocks, through promises, ticks and immediates', async () => {
    const hub = openHub();
    // Keeps turns going, and says nothing.
    hub.add(openPipe(false).readFd, { onReady: () => undefined }, Ready.readable);
    const steps = async (): Promise<number> => {
      const startMs = performance.now();
      for (let step = 0; step < 30; step++) {
        await toldOnce(hub);
        for (let depth = 0; depth < 5; depth++) await undefined;
        await new Promise<void>(done => process.nextTick(done));
        if (step % 2 === 0) await new Promise<void>(done => setImmediate(done));
      }
      return performance.now() - startMs;
    };
    const tries: number[] = [];
    for (let time = 0; time < 5; time++) tries.push(await steps());
    // Behind a wait each of the thirty would take up to 10 ms, some 300 together. Beside other load one try may be late, and not most of them.
    expect(tries.toSorted((a, b) => a - b)[2]).toBeLessThan(100);
  });

  test('a source that is always ready leaves the event loop its turns', async () => {
    const hub = openHub();
    const { port1, port2 } = new MessageChannel();
    closing.push(() => port1.close());
    const wishes = [
      () => {
        port1.postMessage('a message');
        return new Promise(resolve => port2.once('message', resolve));
      },
      () => new Promise(resolve => setTimeout(resolve, 5)),
      () => new Promise(resolve => setImmediate(resolve)),
      () => new Promise(resolve => readFile(import.meta.filename, resolve)),
    ];
    let rounds = 0;
    let granted = 0;
    const onReady = () => {
      rounds += 1;
      if (rounds === 100) for (const wish of wishes) void wish().then(() => (granted += 1));
    };
    hub.add(openPipe(true).readFd, { onReady }, Ready.readable);
    await eventually('each has its wish', () => granted === wishes.length);
  });

  test('sources that take long leave the event loop its turn in the middle of a round, and each has the same share', async () => {
    let nowMs = 0;
    const hub = openHub(() => nowMs);
    const told = Array.from({ length: 60 }, () => 0);
    /** Sources that were told between two turns of the event loop. */
    const between: number[] = [];
    let since = 0;
    const count = () => {
      between.push(since);
      since = 0;
      if (between.length < 100) setImmediate(count);
    };
    for (const at of told.keys()) {
      const onReady = () => {
        nowMs += 1;
        since += 1;
        told[at] = (told[at] as number) + 1;
      };
      hub.add(openPipe(true).readFd, { onReady }, Ready.readable);
    }
    setImmediate(count);
    await eventually('there were many turns', () => between.length === 100);
    expect(Math.max(...between)).toBeLessThanOrEqual(4);
    expect(Math.max(...told) - Math.min(...told)).toBeLessThanOrEqual(2);
    expect(Math.min(...told)).toBeGreaterThan(3);
  });

  test('tasks that take long leave the event loop its turn, and all of them run', async () => {
    let nowMs = 0;
    const hub = openHub(() => nowMs);
    const ran: number[] = [];
    const atTurn: number[] = [];
    for (let task = 0; task < 50; task++) {
      const run = () => {
        nowMs += 1;
        ran.push(task);
        if (task % 10 === 0) setImmediate(() => atTurn.push(ran.length - task));
      };
      hub.schedule({ isScheduled: false, run });
    }
    await eventually('all have run', () => ran.length === 50);
    expect(ran).toEqual([...ran.keys()]);
    await eventually('each turn is there', () => atTurn.length === 5);
    expect(Math.max(...atTurn)).toBeLessThanOrEqual(6);
  });

  test('an exception of what a source has begun does not end the turns', async () => {
    const hub = openHub();
    const caught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    closing.push(() => {
      process.removeAllListeners('uncaughtException');
      for (const other of others) process.on('uncaughtException', other);
    });
    process.on('uncaughtException', error => caught.push(error));
    hub.add(openPipe(false).readFd, { onReady: () => undefined }, Ready.readable);
    for (let time = 1; time <= 10; time++) {
      await toldOnce(hub);
      tellOnce(hub, () => {
        process.nextTick(() => {
          throw new Error('thrown later');
        });
      });
      await eventually('it is caught', () => caught.length === time);
    }
  });
});
