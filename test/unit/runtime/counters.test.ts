import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { defineCounters, SharedCounters } from '../../../runtime/src/counters.ts';

const set = defineCounters({ seen: 'Things seen', lost: 'Things lost', open: 'Things open now' });

test('every name has a slot of its own and its help', () => {
  expect(set.names).toEqual(['seen', 'lost', 'open']);
  expect(set.names.map(name => set.at[name])).toEqual([0, 1, 2]);
  expect(set.help.lost).toBe('Things lost');
});

test('counters count by slot and are read by name', () => {
  const counters = new SharedCounters(set);
  counters.add(set.at.seen);
  counters.add(set.at.seen, 41);
  counters.set(set.at.open, 7);
  counters.set(set.at.open, 3);
  expect(counters.toObject()).toEqual({ seen: 42, lost: 0, open: 3 });
  expect(counters.get('seen')).toBe(42);
});

test('counts are exact beyond 32 bits', () => {
  const counters = new SharedCounters(set);
  counters.add(set.at.seen, 2 ** 40);
  counters.add(set.at.seen);
  expect(counters.get('seen')).toBe(2 ** 40 + 1);
});

test('counters over the memory of others go on where those were, and both see both', () => {
  const first = new SharedCounters(set);
  first.add(set.at.lost, 5);
  const second = new SharedCounters(set, first.buffer);
  second.add(set.at.lost);
  expect([first.get('lost'), second.get('lost')]).toEqual([6, 6]);
});

test('another thread counts in the same memory, and its counts outlive it', async () => {
  const counters = new SharedCounters(set);
  counters.add(set.at.seen, 2);
  const count =
    'const values = new Float64Array(require("node:worker_threads").workerData); for (let i = 0; i < 1000; i++) values[0] += 1;';
  const worker = new Worker(count, { eval: true, workerData: counters.buffer });
  await once(worker, 'exit');
  expect(counters.get('seen')).toBe(1_002);
});
