import { expect, test } from 'vitest';
import { TimeSlicedQueue } from '../../../runtime/src/time-sliced-queue.ts';

const nextTick = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** A queue that works off so many items in a slice, and what it has worked off. */
function queueOf(perSlice: number) {
  const done: string[] = [];
  const queue = new TimeSlicedQueue<number, string>(items => {
    for (const [key, item] of [...items].slice(0, perSlice)) {
      items.delete(key);
      done.push(item);
    }
  });
  return { queue, done };
}

test('works off the first slice at once, the others one per tick, in the order in which keys came', async () => {
  const { queue, done } = queueOf(2);
  for (const key of [3, 1, 2, 5, 4]) queue.set(key, `item ${key}`);
  queue.start();
  expect([done.length, queue.length]).toEqual([2, 3]);
  queue.start();
  expect(done.length).toBe(2);
  await nextTick();
  expect(done.length).toBe(4);
  await nextTick();
  expect(done).toEqual(['item 3', 'item 1', 'item 2', 'item 5', 'item 4']);
  expect(queue.length).toBe(0);
});

test('replaces an item that is queued, which keeps its place', async () => {
  const { queue, done } = queueOf(1);
  for (const key of [1, 2, 3]) queue.set(key, 'old');
  queue.start();
  queue.set(2, 'new');
  expect([queue.get(1), queue.get(2)]).toEqual([undefined, 'new']);
  for (let tick = 0; tick < 3; tick++) await nextTick();
  expect(done).toEqual(['old', 'new', 'old']);
});

test('forgets what is queued when it stops', async () => {
  const { queue, done } = queueOf(1);
  for (const key of [1, 2]) queue.set(key, 'item');
  queue.start();
  queue.stop();
  await nextTick();
  expect([done.length, queue.length]).toEqual([1, 0]);
});
