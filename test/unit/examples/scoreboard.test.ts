import { describe, expect, test } from 'vitest';
import { Scoreboard } from '../../../examples/demo/scoreboard.ts';

const A = '127.0.0.1:1001';
const B = '127.0.0.1:1002';
const board = () => new Scoreboard([A, B], 1_000);

describe('the scoreboard', () => {
  test('keeps calls by host, and apart those for which LARS named none', () => {
    const score = board();
    score.ended(A, true);
    score.ended(A, false);
    score.ended(B, true);
    score.ended(undefined, false);
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

  test('an outage counts the calls that began while the host was down, and those that went to it', () => {
    const score = board();
    score.began(A, 0);
    score.hostStopped(A, 100);
    score.began(A, 200);
    score.began(B, 300);
    score.began(B, 400);
    score.hostRestarted(500);
    score.began(A, 600);
    expect(score.outage()).toMatchObject({ host: A, fairShare: 0.5, callsWhileDown: 3, callsToDeadHost: 1 });
  });

  test('without an outage there is nothing to tell of one', () => {
    const score = board();
    score.hostRestarted(0);
    score.look(0);
    expect(score.outage()).toBeUndefined();
  });

  test('that a share falls is noticed when time alone has passed', () => {
    const score = board();
    score.began(A, 0);
    score.began(B, 900);
    score.hostStopped(A, 950);
    score.look(1_000);
    expect(score.outage()?.belowHalfMs).toBeUndefined();
    score.look(1_001);
    expect(score.outage()).toMatchObject({ belowHalfMs: 51, belowQuarterMs: 51, lowestShare: 0 });
  });

  test('a host that it does not know is refused by name', () => {
    expect(() => board().began('10.0.0.1:80', 0)).toThrow(`10.0.0.1:80 is not one of ${A}, ${B}`);
  });
});
