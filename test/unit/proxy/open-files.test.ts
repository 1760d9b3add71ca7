import fc from 'fast-check';
import { expect, test } from 'vitest';
import { connectionsWithin, filesFor } from '../../../proxy/src/open-files.ts';

const size = fc.record({ threads: fc.integer({ min: 1, max: 64 }), listeners: fc.integer({ min: 1, max: 100 }) });

test('as many connections as so many open files allow need no more of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20_000, max: 1_000_000 }), size, (files, of) => {
      const connections = connectionsWithin(files, of);
      expect(filesFor(connections, of)).toBeLessThanOrEqual(files);
      expect(filesFor(connections + 1, of)).toBeGreaterThan(files);
    }),
  );
});

test('a connection takes two, and there is always one', () => {
  expect(filesFor(20_000, { threads: 1, listeners: 1 })).toBe(40_082);
  expect(connectionsWithin(10, { threads: 1, listeners: 1 })).toBe(1);
});
