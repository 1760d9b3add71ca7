import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MessageBatch, RouteQueryBatch, RouteUpdateBatcher, unpackRouteQueries } from '../../../agent/src/threads/batches.ts';
import { int32 } from '../../support/lars-arbitraries.ts';

describe('a batch of messages', () => {
  test('leaves in order, with the flush', () => {
    const posted: (readonly number[])[] = [];
    const batch = new MessageBatch<number>(items => posted.push(items));
    batch.flush();
    for (const item of [1, 2, 3]) batch.add(item);
    expect(posted).toEqual([]);
    batch.flush();
    batch.add(4);
    batch.flush();
    batch.flush();
    expect(posted).toEqual([[1, 2, 3], [4]]);
  });

  test('never grows beyond a thousand', () => {
    const posted: (readonly number[])[] = [];
    const batch = new MessageBatch<number>(items => posted.push(items));
    for (let item = 0; item < 2_500; item++) batch.add(item);
    expect(posted.map(items => items.length)).toEqual([1_000, 1_000]);
    batch.flush();
    expect(posted.flat()).toEqual(Array.from({ length: 2_500 }, (_, item) => item));
  });
});

describe('route queries', () => {
  test('property: are the same on the other side, however many', () => {
    const version = fc.nat(Number.MAX_SAFE_INTEGER);
    const queries = fc.array(fc.record({ modid: int32, cmdid: int32, version }), { maxLength: 2_100, size: 'max' });
    fc.assert(
      fc.property(queries, all => {
        const arrived: unknown[] = [];
        let messages = 0;
        const batch = new RouteQueryBatch(packed => {
          messages += 1;
          unpackRouteQueries(structuredClone(packed), query => arrived.push(query));
        });
        for (const { version, ...module } of all) batch.add(module, version);
        batch.flush();
        batch.flush();
        expect(arrived).toEqual(all);
        expect(messages).toBe(Math.ceil(all.length / 1_000));
      }),
      { numRuns: 20 },
    );
  });
});

test('what one chunk says goes to each shard as one message', async () => {
  const posted: unknown[] = [];
  const updates = new RouteUpdateBatcher((shard, routes) => posted.push([shard, routes.map(({ modid }) => modid)]), setImmediate);
  for (const modid of [1, 3, 4, 6]) updates.add({ modid, cmdid: 0, hosts: [], version: 0 });
  expect(posted).toEqual([]);
  await new Promise(resolve => setImmediate(resolve));
  expect(posted).toEqual([
    ['shard0', [3, 6]],
    ['shard1', [1, 4]],
  ]);
  updates.add({ modid: 5, cmdid: 0, hosts: [], version: 0 });
  await new Promise(resolve => setImmediate(resolve));
  expect(posted.slice(2)).toEqual([['shard2', [5]]]);
});
