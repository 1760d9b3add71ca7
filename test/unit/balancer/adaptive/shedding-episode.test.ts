import { describe, expect, test } from 'vitest';
import { concurrencyLimit, Shedding } from '../../../../agent/src/balancer/adaptive/shedding-episode.ts';
import { ADAPTIVE_SLOTS, QUICK_IN_FLIGHT, THROUGHPUT } from '../../../../agent/src/balancer/adaptive/slots.ts';
import { HostSlots } from '../../../../agent/src/balancer/host-slots.ts';
import { host } from '../world.ts';

function begun(timeoutMs = 1_000): Shedding {
  const shedding = new Shedding();
  expect(shedding.begin(host(1), timeoutMs, 0)).toBe(true);
  return shedding;
}

describe('AD-13: an episode of shedding', () => {
  test('is none before the first loss', () => {
    const shedding = new Shedding();
    expect([shedding.isOpen, shedding.isActive(0)]).toEqual([false, false]);
    shedding.renew(0);
    expect(shedding.isActive(0)).toBe(false);
  });

  test('begins once, with the host that lost the call, whatever is lost meanwhile', () => {
    const shedding = begun();
    expect(shedding.begin(host(2), 1_000, 500)).toBe(false);
    expect([shedding.isOpen, shedding.startedBy?.port, shedding.view(700).forMs]).toEqual([true, 1, 700]);
  });

  test.each([
    { timeoutMs: 100, lastsMs: 1_000 },
    { timeoutMs: 1_000, lastsMs: 1_000 },
    { timeoutMs: 4_000, lastsMs: 4_000 },
  ])('is over $lastsMs ms after the last sign, where callers wait $timeoutMs ms', ({ timeoutMs, lastsMs }) => {
    const shedding = begun(timeoutMs);
    shedding.renew(900);
    expect([shedding.isActive(900 + lastsMs - 1), shedding.isActive(900 + lastsMs)]).toEqual([true, false]);
  });

  test('a slow answer that comes when it is over does not begin it anew', () => {
    const shedding = begun();
    shedding.renew(1_000);
    expect(shedding.isActive(1_000)).toBe(false);
  });

  test('stays open until its end was noticed, and the next one counts from zero', () => {
    const shedding = begun();
    shedding.refused = 7;
    expect(shedding.isOpen).toBe(true);
    expect(shedding.view(1_200)).toEqual({ forMs: 1_200, refused: 7, timeoutMs: 1_000 });
    shedding.close();
    expect(shedding.isOpen).toBe(false);
    expect(shedding.begin(host(2), 500, 5_000)).toBe(true);
    expect(shedding.view(5_100)).toEqual({ forMs: 100, refused: 0, timeoutMs: 500 });
    expect(shedding.startedBy?.port).toBe(2);
  });
});

describe('AD-14: the concurrency limit', () => {
  const slots = new HostSlots(ADAPTIVE_SLOTS);
  slots.move([undefined]);
  const row = slots.row(0);

  test.each([
    { answers: 200, timeoutMs: 1_000, limit: 50 },
    { answers: 40, timeoutMs: 3_000, limit: 30 },
  ])("by Little's law: $answers answers in two seconds, callers wait for $timeoutMs ms: $limit calls", one => {
    slots.values.splice(row + THROUGHPUT, 3, 0, one.answers, 0);
    expect(concurrencyLimit(slots, 0, begun(one.timeoutMs).targetMs, 2_000)).toBe(one.limit);
  });

  test('but no fewer than it served while it answered quickly, and one', () => {
    slots.values.splice(row + THROUGHPUT, 3, 0, 0, 0);
    expect(concurrencyLimit(slots, 0, 500, 2_000)).toBe(1);
    slots.values[row + QUICK_IN_FLIGHT] = 8;
    expect(concurrencyLimit(slots, 0, 500, 2_000)).toBe(8);
  });
});
