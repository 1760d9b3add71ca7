import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Accepted, WorkerAccount } from '../../../dispatcher/src/worker-account.ts';

const connection = (fd: number): Accepted => ({ fd, listener: 0, acceptedMs: 0 });
const fds = (connections: readonly Accepted[]) => connections.map(({ fd }) => fd);

test('a connection counts from when it is sent, and once', () => {
  const account = new WorkerAccount(0);
  expect([account.add(connection(10), 100), account.add(connection(11), 150)]).toEqual([1, 2]);
  expect([account.load, account.untaken, account.open, account.waitingMs(180)]).toEqual([2, 2, 0, 80]);
  expect(fds(account.onStatus(1, 1))).toEqual([10]);
  expect([account.load, account.untaken, account.open, account.waitingMs(180)]).toEqual([2, 1, 1, 30]);
  expect(fds(account.onStatus(2, 1))).toEqual([11]);
  expect([account.load, account.untaken, account.open, account.waitingMs(180)]).toEqual([1, 0, 1, 0]);
});

test('what a worker has not taken comes back when it is gone, oldest first', () => {
  const account = new WorkerAccount(0);
  for (const fd of [5, 6, 7]) account.add(connection(fd), 0);
  account.onStatus(1, 1);
  expect(fds(account.takeBack())).toEqual([6, 7]);
  expect(fds(account.takeBack())).toEqual([]);
});

test('a worker that connects again tells what it has from before', () => {
  const account = new WorkerAccount(0);
  account.onStatus(0, 7);
  account.add(connection(1), 0);
  expect(account.load).toBe(8);
  account.onStatus(1, 8);
  expect(account.load).toBe(8);
});

test.each([
  ['has taken what was not sent', 3, 0, 'it says to have taken connection 3, between 1 and 2 are possible'],
  ['takes a connection back', 0, 0, 'it says to have taken connection 0, between 1 and 2 are possible'],
  ['has more connections than it was given', 2, 6, 'it says that 6 connections are open, and was given 5'],
  ['has more than any process can', 2, 2 ** 31, 'connections are open'],
])('a worker is found out that says it %s', (_, taken, open, message) => {
  const account = new WorkerAccount(0);
  account.onStatus(0, 3);
  account.add(connection(1), 0);
  account.add(connection(2), 0);
  account.onStatus(1, 4);
  expect(() => account.onStatus(taken, open)).toThrow(message);
});

test('each connection is either taken or comes back, whatever happens', () => {
  const step = fc.oneof(fc.record({ send: fc.constant(true) }), fc.record({ taken: fc.nat(20), open: fc.nat(20) }));
  fc.assert(
    fc.property(fc.array(step), steps => {
      const account = new WorkerAccount(0);
      const seen: number[] = [];
      let sent = 0;
      for (const one of steps) {
        if ('send' in one) account.add(connection(sent++), 0);
        else {
          try {
            seen.push(...fds(account.onStatus(one.taken, one.open)));
          } catch {}
        }
        expect(account.load).toBe(account.open + account.untaken);
      }
      seen.push(...fds(account.takeBack()));
      expect(seen).toEqual(Array.from({ length: sent }, (_, fd) => fd));
    }),
  );
});
