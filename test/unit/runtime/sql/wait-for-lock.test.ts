import { waitForLock } from '@lars/runtime/sql/wait-for-lock';
import { SqliteError } from 'better-sqlite3';
import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
});

/** Each look at the clock finds it so much later. */
function passTime(stepMs: number): void {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += stepMs;
    return nowMs;
  });
}

/** Finds the database locked so many times. */
function lockedWork(times: number, code = 'SQLITE_BUSY') {
  const work = {
    attempts: 0,
    run: () => {
      work.attempts += 1;
      if (work.attempts <= times) throw new SqliteError('database is locked', code);
      return 'done';
    },
  };
  return work;
}

test.each(['SQLITE_BUSY', 'SQLITE_BUSY_SNAPSHOT', 'SQLITE_LOCKED'])('a lock is waited for: %s', async code => {
  passTime(0);
  const work = lockedWork(3, code);
  expect(await waitForLock({ file: 'x.db', giveUpMs: 1_000 }, work.run)).toBe('done');
  expect(work.attempts).toBe(4);
});

test('a wait is told of once, after a second, and given up in time', async () => {
  passTime(400);
  const work = lockedWork(Number.POSITIVE_INFINITY);
  const told: string[] = [];
  const wait = waitForLock({ file: 'x.db', giveUpMs: 4_000, onWaiting: text => told.push(text) }, work.run);
  await expect(wait).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
  expect(told).toEqual(['waiting for database x.db: another process has locked it; giving up in 3 s']);
  expect(work.attempts).toBe(10);
});

test('whoever stops waits no longer', async () => {
  passTime(0);
  const work = lockedWork(Number.POSITIVE_INFINITY);
  const wait = waitForLock({ file: 'x.db', giveUpMs: 60_000, isStopped: () => work.attempts >= 2 }, work.run);
  await expect(wait).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
  expect(work.attempts).toBe(2);
});

test.each([new SqliteError('disk I/O error', 'SQLITE_IOERR'), new Error('a bug')])(
  'any other error comes at once: %s',
  async error => {
    let attempts = 0;
    const work = () => {
      attempts += 1;
      throw error;
    };
    await expect(waitForLock({ file: 'x.db', giveUpMs: 60_000 }, work)).rejects.toBe(error);
    expect(attempts).toBe(1);
  },
);
