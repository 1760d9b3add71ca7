import { SharedCounters } from '@lars/runtime/counters';
import { expect, test, vi } from 'vitest';
import { type ShardCounter, shardCounters } from '../../../agent/src/counters.ts';
import { newDropCounter } from '../../../agent/src/shard/shard-thread.ts';

// The file is also the entry of a worker thread, which this is not.
vi.mock('../../../agent/src/threads/thread.ts', () => ({ runThread() {} }));

test('each datagram that the kernel dropped is counted once, however often it is asked', () => {
  const counters = new SharedCounters<ShardCounter>(shardCounters);
  let drops = 3;
  const countDrops = newDropCounter({ kernelDrops: () => drops }, counters);
  countDrops();
  countDrops();
  expect(counters.get('kernelDrops')).toBe(3);
  drops = 10;
  countDrops();
  countDrops();
  expect(counters.get('kernelDrops')).toBe(10);
});
