/** What another thread finds in the ledger of one that has died. */
import { ResourceLedger } from '@lars/reactor';
import { expect, test } from 'vitest';

const LARGEST = 2 ** 20 - 1;

test('what is owned and not gone is found once, by whoever has the same memory', () => {
  const ledger = new ResourceLedger();
  for (const fd of [0, 31, 32, 33, 4_095, LARGEST, LARGEST + 1]) ledger.onOwned(fd);
  for (const fd of [33, 34, LARGEST + 1]) ledger.onGone(fd);
  const mappings = [
    { address: 0x7f00_0000_0000, length: 4_096 },
    { address: 0x7f00_0001_0000, length: 1 },
  ];
  ledger.noteMappings(mappings);
  expect(new ResourceLedger(ledger.buffer).takeAll()).toEqual({ fds: [0, 31, 32, 4_095, LARGEST], mappings });
  expect(ledger.takeAll()).toEqual({ fds: [], mappings: [] });
});
