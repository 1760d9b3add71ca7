import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NewsForShards } from '../../../agent/src/dns/news-for-shards.ts';
import { MailBatch } from '../../../agent/src/threads/mail-batch.ts';
import { QuestionBatch, unpackQuestions } from '../../../agent/src/threads/route-questions.ts';
import { int32 } from '../../support/lars-arbitraries.ts';

describe('mail that is collected', () => {
  test('leaves in order, with the flush', () => {
    const posted: (readonly number[])[] = [];
    const batch = new MailBatch<number>(items => posted.push(items));
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
    const batch = new MailBatch<number>(items => posted.push(items));
    for (let item = 0; item < 2_500; item++) batch.add(item);
    expect(posted.map(items => items.length)).toEqual([1_000, 1_000]);
    batch.flush();
    expect(posted.flat()).toEqual(Array.from({ length: 2_500 }, (_, item) => item));
  });
});

describe('questions', () => {
  test('property: are the same on the other side, however many', () => {
    const version = fc.nat(Number.MAX_SAFE_INTEGER);
    const questions = fc.array(fc.record({ modid: int32, cmdid: int32, version }), { maxLength: 2_100, size: 'max' });
    fc.assert(
      fc.property(questions, all => {
        const arrived: unknown[] = [];
        let messages = 0;
        const batch = new QuestionBatch(packed => {
          messages += 1;
          unpackQuestions(structuredClone(packed), question => arrived.push(question));
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
  const news = new NewsForShards((shard, routes) => posted.push([shard, routes.map(({ modid }) => modid)]));
  for (const modid of [1, 3, 4, 6]) news.add({ modid, cmdid: 0, hosts: [], version: 0 });
  expect(posted).toEqual([]);
  await new Promise(resolve => setImmediate(resolve));
  expect(posted).toEqual([
    ['shard0', [3, 6]],
    ['shard1', [1, 4]],
  ]);
  news.add({ modid: 5, cmdid: 0, hosts: [], version: 0 });
  await new Promise(resolve => setImmediate(resolve));
  expect(posted.slice(2)).toEqual([['shard2', [5]]]);
});
