/** Limits of connections that several threads share. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { ConnectionLimits } from '../../../proxy/src/connection-limits.ts';
import type { LimitsThread } from '../../support/workers/limits-thread.ts';

const THREAD = new URL('../../support/workers/limits-thread.ts', import.meta.url);

test('are exact while threads run into them: nobody who has room is refused, and all comes back', async () => {
  const limits = new ConnectionLimits(2, { threads: 3 });
  const common = { buffer: limits.buffer, threads: 3, rounds: 200_000 };
  const run = async (own: Pick<LimitsThread, 'thread' | 'listener' | 'max'>) => {
    const worker = new Worker(THREAD, { workerData: { ...common, ...own } });
    const [refused] = (await once(worker, 'message')) as [{ readonly total: number; readonly listener: number }];
    return refused;
  };
  // Two threads with a place for each, and one at a listener that is full.
  const max = { total: 2, listener: 2 };
  const refused = await Promise.all([
    run({ thread: 0, listener: 0, max }),
    run({ thread: 1, listener: 0, max }),
    run({ thread: 2, listener: 1, max: { total: 2, listener: 0 } }),
  ]);
  expect(refused).toEqual([
    { total: 0, listener: 0 },
    { total: 0, listener: 0 },
    { total: 0, listener: 200_000 },
  ]);
  expect([limits.total, limits.ofListener(0), limits.ofListener(1)]).toEqual([0, 0, 0]);
});

test('what one thread had comes back when it dies', () => {
  const limits = new ConnectionLimits(1, { threads: 2 });
  const other = new ConnectionLimits(1, { threads: 2, thread: 1, buffer: limits.buffer });
  const max = { total: 3, listener: 3 };
  expect([limits.acquire(0, max), other.acquire(0, max), other.acquire(0, max)]).toEqual([undefined, undefined, undefined]);
  expect(limits.acquire(0, max)).toBe('listener');
  limits.releaseThread(1);
  expect([limits.total, limits.ofListener(0)]).toEqual([1, 1]);
  limits.releaseThread(1);
  limits.release(0);
  expect([limits.total, limits.ofListener(0)]).toEqual([0, 0]);
});
