import { describe, expect, test } from 'vitest';
import { TroubleRecord } from '../../../examples/demo/trouble-record.ts';

const A = '127.0.0.1:1001';
const B = '127.0.0.1:1002';
const HOSTS = [A, B];
const BEGIN_MS = 1_000;
const END_MS = 2_000;

const call = (beganMs: number, host: string | undefined, ok = true, tookMs = 10) => ({
  host,
  ok,
  beganMs,
  endedMs: beganMs + tookMs,
});

function recorded(...calls: readonly ReturnType<typeof call>[]) {
  return recordedOf(A, ...calls);
}

/** @param host the troubled one */
function recordedOf(host: string | undefined, ...calls: readonly ReturnType<typeof call>[]) {
  const record = new TroubleRecord(host, HOSTS, BEGIN_MS);
  record.end(END_MS);
  for (const one of calls) record.add(one);
  return record.numbers;
}

describe('the record of a trouble', () => {
  test.each([
    ['before it', BEGIN_MS - 1, 0],
    ['at its begin', BEGIN_MS, 1],
    ['just before its end', END_MS - 1, 1],
    ['at its end', END_MS, 0],
  ])('a call that began %s counts %#', (_when, beganMs, calls) => {
    expect(recorded(call(beganMs, A)).calls).toBe(calls);
  });

  test('every call either succeeded or failed, and it may have had no host', () => {
    const numbers = recorded(call(1_000, A), call(1_100, A, false), call(1_200, B), call(1_300, undefined, false));
    expect(numbers).toMatchObject({ host: A, calls: 4, succeeded: 2, failed: 2, withoutHost: 1, callsToHost: 2 });
    expect(numbers).toMatchObject({ usualShare: 0.5, callsPerHost: [2, 1] });
  });

  test('where no host is in trouble, the calls to each are counted, and nobody watches a share', () => {
    const numbers = recordedOf(undefined, call(1_000, A), call(1_100, B), call(1_200, B), call(1_300, undefined, false));
    expect(numbers).toMatchObject({ host: undefined, calls: 4, withoutHost: 1, callsToHost: 0, callsPerHost: [1, 2] });
    expect(numbers).toMatchObject({ usualShare: 0.5, lowestShare: undefined, backMs: undefined });
    const record = new TroubleRecord(undefined, HOSTS, BEGIN_MS);
    record.observe(0.1, BEGIN_MS + 1);
    expect(record.numbers.lowestShare).toBeUndefined();
  });

  test('latencies are those of the calls that succeeded', () => {
    const numbers = recorded(call(1_000, B, true, 10), call(1_000, B, true, 40), call(1_100, A, false, 900));
    expect(numbers.p50Ms).toBeCloseTo(10, 0);
    expect(numbers.p99Ms).toBeCloseTo(40, 0);
    expect(recorded(call(1_100, A, false, 900))).toMatchObject({ p50Ms: undefined, p99Ms: undefined });
  });

  test('it tells when it began, and how long it lasted when it is over', () => {
    expect(recorded()).toMatchObject({ beganMs: BEGIN_MS, lastedMs: END_MS - BEGIN_MS });
    expect(new TroubleRecord(A, HOSTS, BEGIN_MS).numbers).toMatchObject({ beganMs: BEGIN_MS, lastedMs: undefined });
  });

  test('it ends once', () => {
    const record = new TroubleRecord(A, HOSTS, BEGIN_MS);
    record.observe(0.1, 1_200);
    record.end(END_MS);
    record.end(END_MS + 500);
    record.add(call(END_MS + 100, A));
    record.observe(0.5, END_MS + 700);
    expect(record.numbers).toMatchObject({ calls: 0, belowHalfMs: 200, lowestShare: 0.1, backMs: 700 });
  });
});
