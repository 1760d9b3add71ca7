import { describe, expect, test } from 'vitest';
import { Scoreboard } from '../../../examples/demo/scoreboard.ts';

const A = '127.0.0.1:1001';
const B = '127.0.0.1:1002';
const board = () => new Scoreboard([A, B], 1_000);
const ended = (host: string | undefined, ok: boolean, beganMs = 0) => ({ host, ok, beganMs, endedMs: beganMs + 8 });

describe('the scoreboard', () => {
  test('keeps calls by host, and apart those for which LARS named none', () => {
    const score = board();
    score.ended(ended(A, true));
    score.ended(ended(A, false));
    score.ended(ended(B, true));
    score.ended(ended(undefined, false));
    expect(score.countsOf(A)).toEqual({ calls: 2, failed: 1 });
    expect(score.countsOf(B)).toEqual({ calls: 1, failed: 0 });
    expect(score.totals).toEqual({ calls: 4, failed: 2, withoutHost: 1 });
  });

  test('a call belongs to a share from its begin on, to the counts when it has ended', () => {
    const score = board();
    score.began(A, 0);
    expect(score.share(A, 0)).toBe(1);
    expect(score.countsOf(A).calls).toBe(0);
  });

  test('calls per second are those of the window', () => {
    const score = new Scoreboard([A, B], 2_000);
    for (let nowMs = 0; nowMs <= 4_000; nowMs += 10) score.began(B, nowMs);
    expect(score.ratePerSecond(4_000)).toBeCloseTo(100, -1);
  });

  test('a trouble has the calls that began while it lasted, the next one its own', () => {
    const score = board();
    score.ended(ended(A, true, 99));
    score.troubleBegan(A, 100);
    score.ended(ended(A, false, 100));
    score.ended(ended(B, true, 300));
    score.troubleEnded(500);
    score.ended(ended(A, false, 499));
    score.ended(ended(A, false, 500));
    score.troubleBegan(B, 700);
    score.ended(ended(B, true, 800));
    expect(score.troubles).toMatchObject([
      { host: A, usualShare: 0.5, calls: 3, callsToHost: 2 },
      { host: B, usualShare: 0.5, calls: 1, callsToHost: 1 },
    ]);
  });

  test('a trouble that begins ends the one before', () => {
    const score = board();
    score.troubleBegan(A, 100);
    score.troubleBegan(B, 200);
    score.ended(ended(A, true, 250));
    expect(score.troubles).toMatchObject([{ calls: 0 }, { calls: 1 }]);
  });

  test('where none is in trouble, the calls to all are counted, and the share of a host that was in trouble before is watched on', () => {
    const score = board();
    score.troubleBegan(A, 0);
    score.began(B, 10);
    score.troubleBegan(undefined, 2_000);
    score.ended(ended(A, true, 2_100));
    score.ended(ended(B, true, 2_200));
    score.ended(ended(B, true, 2_300));
    score.began(A, 2_400);
    score.troubleEnded(2_500);
    expect(score.troubles).toMatchObject([
      { host: A, belowHalfMs: 10, backMs: 400 },
      { host: undefined, calls: 3, callsPerHost: [1, 2], belowHalfMs: undefined, lastedMs: 500 },
    ]);
  });

  test('an end without a trouble is nothing to tell of', () => {
    const score = board();
    score.troubleEnded(0);
    score.look(0);
    expect(score.troubles).toEqual([]);
  });

  test('that a share falls is noticed when time alone has passed', () => {
    const score = board();
    score.began(A, 0);
    score.began(B, 900);
    score.troubleBegan(A, 950);
    score.look(1_000);
    expect(score.troubles[0]?.belowHalfMs).toBeUndefined();
    score.look(1_001);
    expect(score.troubles[0]).toMatchObject({ belowHalfMs: 51, belowQuarterMs: 51, lowestShare: 0 });
  });

  test("that a share is back is noticed while another host's trouble lasts, but not in the host's next one", () => {
    const score = board();
    score.troubleBegan(A, 0);
    score.began(B, 10);
    score.troubleBegan(B, 2_000);
    score.began(A, 2_300);
    score.troubleBegan(A, 5_000);
    score.began(B, 5_100);
    score.troubleBegan(B, 8_000);
    score.began(A, 8_500);
    expect(score.troubles.map(({ belowHalfMs, backMs }) => [belowHalfMs, backMs])).toEqual([
      [10, 300],
      [300, 100],
      [100, 500],
      [500, undefined],
    ]);
  });

  test('a host that it does not know is refused by name', () => {
    expect(() => board().began('10.0.0.1:80', 0)).toThrow(`10.0.0.1:80 is not one of ${A}, ${B}`);
  });
});
