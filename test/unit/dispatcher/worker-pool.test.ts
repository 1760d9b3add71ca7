/** Who gets which connection of a turn, and what leaves together; without sockets. */
import type { DispatcherFrame } from '@lars/dispatch/protocol';
import { StatusView, WorkerStatus } from '@lars/dispatch/shared-status';
import type { SendOutcome } from '@lars/reactor';
import { SharedCounters } from '@lars/runtime/counters';
import { expect, test } from 'vitest';
import { dispatcherCounters } from '../../../dispatcher/src/counters.ts';
import { WorkerPool } from '../../../dispatcher/src/worker-pool.ts';
import { recordingLog } from '../../support/recording-log.ts';

interface Worker {
  readonly messages: (readonly number[])[];
  readonly frames: DispatcherFrame[];
  readonly status: WorkerStatus;
  outcome: SendOutcome;
}

function startPool(maxUntaken = 64) {
  const closed: number[] = [];
  const counters = new SharedCounters(dispatcherCounters);
  let next = 0;
  const pool = new WorkerPool(
    {
      limits: { maxPerWorker: 1_000, maxUntaken, stallMs: 100 },
      queue: { maxConnections: 100, maxWaitMs: 1_000 },
      handOverMs: 1_000,
      maxWorkers: 10,
    },
    {
      log: recordingLog().log,
      counters,
      random: () => ++next / 2 ** 20,
      onTaken: ({ fd }) => closed.push(fd),
      closeGone: () => [],
      refuse: () => expect.unreachable('nothing is refused'),
      isWanted: () => true,
      onReady: () => undefined,
      onLeaving: () => undefined,
      onGone: () => undefined,
    },
  );
  const join = (version: number, open: number): Worker => {
    const page = { words: new Int32Array(16) };
    const worker: Worker = { messages: [], frames: [], status: new WorkerStatus(page), outcome: 'sent' };
    const session = pool.connect(
      {
        sendFrames: (...frames) => worker.frames.push(...frames),
        shutdown: () => undefined,
        refuse: error => expect.unreachable(error.message),
      },
      0,
    );
    if (session === undefined) throw new Error('there are too many');
    pool.onFrame(session, { kind: 'hello', version, maxConnections: 0, ticket: 0 }, 0);
    pool.onFrame(session, { kind: 'status', taken: 0, open }, 0);
    const port = {
      messageMax: 4,
      sendDescriptors: (fds: readonly number[]) => {
        if (worker.outcome === 'sent') worker.messages.push(fds);
        return worker.outcome;
      },
      shareStatus: (before: number) => new StatusView(page, before),
      close: () => undefined,
    };
    pool.onAttach(session.id, port, 0);
    worker.frames.length = 0;
    return worker;
  };
  const accept = (...fds: number[]) => {
    for (const fd of fds) pool.onAccept({ fd, listener: 0, acceptedMs: 0 }, 0);
    pool.onAccepted(0);
  };
  return { pool, counters, closed, join, accept };
}

test('each of a turn goes to the one that has the fewest with those before it, and all of one worker leave together', () => {
  const { join, accept } = startPool();
  const [two, none, one] = [join(2, 2), join(2, 0), join(2, 1)];
  accept(1, 2, 3, 4, 5, 6);
  expect([two, none, one].map(({ messages }) => messages)).toEqual([[[4]], [[1, 3, 5]], [[2, 6]]]);
  expect([two, none, one].map(({ frames }) => frames)).toEqual([1, 2, 3].map(() => [{ kind: 'look' }]));
});

test('a worker of version 1 gets a message and a frame for each', () => {
  const { join, accept } = startPool();
  const old = join(1, 0);
  accept(7, 8);
  expect(old.messages).toEqual([[7], [8]]);
  expect(old.frames).toEqual([
    { kind: 'connection', number: 1, listener: 0 },
    { kind: 'connection', number: 2, listener: 0 },
  ]);
});

test('what was taken is read before the next choice, and closed', () => {
  const { counters, closed, join, accept } = startPool();
  const [first, second] = [join(2, 0), join(2, 0)];
  accept(1, 2, 3);
  first.status.take(2, 0);
  second.status.take(1, 1);
  accept(4);
  expect([closed, counters.get('handedOver'), first.messages.at(-1)]).toEqual([[1, 3, 2], 3, [4]]);
});

test.each([1, 2])('what a socket of version %i does not take goes to another worker, under the right numbers', version => {
  const { pool, join, accept } = startPool();
  const [full, other] = [join(version, 0), join(version, 9)];
  accept(1);
  full.outcome = 'full';
  accept(2, 3);
  expect(other.messages.flat()).toEqual([2, 3]);
  full.outcome = 'sent';
  pool.tick(10);
  accept(4, 5);
  expect(full.messages.flat()).toEqual([1, 4, 5]);
  if (version === 1) expect(full.frames.at(-1)).toEqual({ kind: 'connection', number: 3, listener: 0 });
  expect(pool.sessions.map(({ account }) => account?.lastNumber)).toEqual([3, 2]);
});

test('more than a message may have leaves in several', () => {
  const { join, accept } = startPool();
  const worker = join(2, 0);
  accept(1, 2, 3, 4, 5, 6, 7, 8, 9);
  expect(worker.messages).toEqual([[1, 2, 3, 4], [5, 6, 7, 8], [9]]);
  expect(worker.frames).toEqual([{ kind: 'look' }]);
});

test('when all are full, the rest waits, workers are asked, and are asked no more when it is gone', () => {
  const { pool, join, accept } = startPool(2);
  const worker = join(2, 0);
  accept(1, 2, 3);
  expect([pool.waiting, worker.status.isAsked, worker.messages]).toEqual([1, true, [[1, 2]]]);
  worker.status.take(1, 1);
  pool.tick(10);
  expect([pool.waiting, worker.status.isAsked, worker.messages]).toEqual([0, false, [[1, 2], [3]]]);
});
