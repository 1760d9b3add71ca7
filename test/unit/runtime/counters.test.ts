import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { CounterBank, defineCounters } from '../../../runtime/src/counters.ts';

const set = defineCounters({ seen: 'Things seen', lost: 'Things lost', open: 'Things open now' });

test('every name has a slot of its own and its help', () => {
  expect(set.names).toEqual(['seen', 'lost', 'open']);
  expect(set.names.map(name => set.at[name])).toEqual([0, 1, 2]);
  expect(set.help.lost).toBe('Things lost');
});

test('a bank counts by slot and tells by name', () => {
  const bank = new CounterBank(set);
  bank.add(set.at.seen);
  bank.add(set.at.seen, 41);
  bank.put(set.at.open, 7);
  bank.put(set.at.open, 3);
  expect(bank.toObject()).toEqual({ seen: 42, lost: 0, open: 3 });
  expect(bank.get('seen')).toBe(42);
});

test('counts are exact beyond 32 bits', () => {
  const bank = new CounterBank(set);
  bank.add(set.at.seen, 2 ** 40);
  bank.add(set.at.seen);
  expect(bank.get('seen')).toBe(2 ** 40 + 1);
});

test('a bank that is attached goes on where the other one was, and both see both', () => {
  const first = new CounterBank(set);
  first.add(set.at.lost, 5);
  const second = new CounterBank(set, first.buffer);
  second.add(set.at.lost);
  expect([first.get('lost'), second.get('lost')]).toEqual([6, 6]);
});

test('another thread counts in the same memory, and its counts outlive it', async () => {
  const bank = new CounterBank(set);
  bank.add(set.at.seen, 2);
  const count =
    'const values = new Float64Array(require("node:worker_threads").workerData); for (let i = 0; i < 1000; i++) values[0] += 1;';
  const worker = new Worker(count, { eval: true, workerData: bank.buffer });
  await once(worker, 'exit');
  expect(bank.get('seen')).toBe(1_002);
});
