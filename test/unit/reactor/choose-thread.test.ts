import { expect, test } from 'vitest';
import { chooseThread, type ThreadLoad } from '../../../reactor/src/server/choose-thread.ts';

const load = (connections: number, busy = 0, waitingMs = 0): ThreadLoad => ({ connections, busy, waitingMs });

test.each([
  ['the one with the fewest connections', [load(3), load(1, 900), load(2)], 1],
  ['of equal ones the one that has computed least', [load(2, 500), load(2, 20), load(2, 100)], 1],
  ['none that hangs, whatever it has', [load(0, 0, 50), load(9, 900)], 1],
  ['one that hangs, when all do', [load(4, 0, 80), load(3, 0, 60)], 1],
  ['of those that all seem to hang, the one that has waited least', [load(1, 0, 400), load(3, 0, 60)], 1],
  ['none that is not there', [undefined, load(5)], 1],
  ['nobody, when none is there', [undefined, undefined], -1],
] satisfies [string, (ThreadLoad | undefined)[], number][])('%s', (_, loads, chosen) => {
  expect(chooseThread(loads)).toBe(chosen);
});
