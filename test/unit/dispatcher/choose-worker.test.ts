import { expect, test } from 'vitest';
import { chooseWorker } from '../../../dispatcher/src/choose-worker.ts';
import { WorkerAccount } from '../../../dispatcher/src/worker-account.ts';

const limits = { maxPerWorker: 100, maxUntaken: 4, stallMs: 20 };

/** @param untakenMs when what it has not taken was sent */
function worker(name: string, open: number, untakenMs: readonly number[] = [], maxOpen = 0) {
  const account = new WorkerAccount(maxOpen);
  account.onStatus(0, open);
  for (const sentMs of untakenMs) account.add({ fd: 0, listener: 0, acceptedMs: 0 }, sentMs);
  return { name, account };
}

test.each([
  ['the one with the fewest', [worker('a', 3), worker('b', 2), worker('c', 4)], 'b'],
  ['one that was sent connections has them already', [worker('a', 2, [95]), worker('b', 4), worker('c', 1, [95, 96, 97])], 'a'],
  ['of equal ones the one that was given none for longest', [worker('a', 1, [90]), worker('b', 1, [85]), worker('c', 3)], 'b'],
  ['one that was never given any before one that was', [worker('a', 1, [90]), worker('b', 2)], 'b'],
  ['not the idle one that does not take what it was sent', [worker('a', 0, [80]), worker('b', 9)], 'b'],
  ['not one that has four to take', [worker('a', 0, [99, 99, 99, 99]), worker('b', 9)], 'b'],
  ['not one that wants no more', [worker('a', 2, [], 2), worker('b', 9)], 'b'],
  ['not one that may have no more', [worker('a', 100), worker('b', 101)], undefined],
  ['nobody, when none takes any', [worker('a', 0, [80]), worker('b', 0, [1])], undefined],
  ['nobody, when there is none', [], undefined],
])('%s', (_, workers, chosen) => {
  expect(chooseWorker(workers, limits, 100)?.name).toBe(chosen);
});

test('a burst is spread evenly before anybody has taken anything', () => {
  const workers = [worker('a', 0), worker('b', 0), worker('c', 0)];
  for (let at = 0; at < 12; at++) chooseWorker(workers, limits, 100)?.account.add({ fd: at, listener: 0, acceptedMs: 100 }, 100);
  expect(workers.map(({ account }) => account.untaken)).toEqual([4, 4, 4]);
});
