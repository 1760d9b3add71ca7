import { describe, expect, test } from 'vitest';
import { StartupError } from '../../../runtime/src/errors.ts';
import { limitProblem, processLimits, threadStartError } from '../../../runtime/src/start-limits.ts';

const NONE = { openFiles: Infinity, addressSpaceBytes: Infinity, memoryBytes: Infinity };

describe('a limit that is too low is named, with what is needed', () => {
  test.each([
    [
      { openFiles: 64 },
      'agent needs at least 128 open files and one more for each connection, the limit is 64 (ulimit -n; LimitNOFILE of systemd)',
    ],
    [
      { addressSpaceBytes: 4e6 * 1024 },
      'agent needs at least 5939200 kB of address space, the limit is 4000000 (ulimit -v; LimitAS of systemd)',
    ],
    [
      { memoryBytes: 50 * 2 ** 20 },
      "agent needs at least 96 MB of memory, the limit is 50 (the container's; MemoryMax of systemd)",
    ],
  ])('%j', (limits, says) => {
    expect(limitProblem('agent', { ...NONE, ...limits })).toBe(says);
  });

  test('and one that is high enough is not', () => {
    expect(limitProblem('agent', NONE)).toBeUndefined();
    expect(
      limitProblem('reporter', { openFiles: 128, addressSpaceBytes: 2e6 * 1024, memoryBytes: 64 * 2 ** 20 }),
    ).toBeUndefined();
  });
});

test('the limits of this process are read', () => {
  expect(processLimits().openFiles).toBeGreaterThan(20);
});

test('a thread that a limit kept from starting is no bug, and any other error stays what it is', () => {
  const failed = Object.assign(new Error('Worker initialization failure: EMFILE'), { code: 'ERR_WORKER_INIT_FAILED' });
  const told = threadStartError('shard1', failed);
  expect(told).toBeInstanceOf(StartupError);
  expect(told.message).toMatch(/^thread shard1 cannot be started: too many open files: the limit is \S+ \(ulimit -n/);
  const bug = new TypeError('a bug');
  expect(threadStartError('shard1', bug)).toBe(bug);
});
