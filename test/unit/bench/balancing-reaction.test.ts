/** Detection and recovery, read from picks that are written by hand. */
import { describe, expect, test } from 'vitest';
import { fairSharesOf, reaction } from '../../../bench/balancing/measure/reaction.ts';
import { RunLog } from '../../../bench/balancing/sim/run-log.ts';
import { hostSpec, hosts, type Scenario, scenario } from '../../../bench/balancing/sim/scenario.ts';
import { Truth } from '../../../bench/balancing/sim/truth.ts';

const HOSTS = 4;
const PICK_EVERY_MS = 10;

/** Host 0 is down from 10 s to 20 s; a pick every 10 ms. */
const outage: Scenario = scenario({
  durationMs: 30_000,
  ratePerSec: 100,
  hosts: hosts(HOSTS),
  timeline: [
    { atMs: 10_000, hosts: [0], condition: { availability: 'refusing' } },
    { atMs: 20_000, hosts: [0], condition: { availability: 'up' } },
  ],
});

/** Turns, in which host 0 takes part while `isPicked`; otherwise its turn is host 1's. */
function picks(isPicked: (atMs: number, turn: number) => boolean): RunLog {
  const log = new RunLog();
  for (let pick = 0; pick * PICK_EVERY_MS < outage.durationMs; pick++) {
    const atMs = pick * PICK_EVERY_MS;
    log.pickMs.push(atMs);
    const host = pick % HOSTS;
    log.pickHost.push(host === 0 && !isPicked(atMs, Math.floor(pick / HOSTS)) ? 1 : host);
  }
  return log;
}

function react(isPicked: (atMs: number, turn: number) => boolean) {
  return reaction(outage, new Truth(outage), picks(isPicked));
}

describe('detection', () => {
  test('is the moment after which the host gets next to nothing', () => {
    const { detectMs, missed } = react(atMs => atMs < 13_000 || atMs >= 20_000);
    // The last window of 80 picks with four of host 0's twenty turns begins right after the fifth turn from the end.
    expect(detectMs).closeTo(3_000 - 5 * 40, 40);
    expect(missed).toBe(0);
  });

  test('is at once when the host gets nothing at all', () => {
    expect(react(atMs => atMs < 10_000 || atMs >= 20_000).detectMs).toBe(0);
  });

  test('stands although one turn in five is a probe', () => {
    expect(react((atMs, turn) => atMs < 10_000 || atMs >= 20_000 || turn % 5 === 0)).toMatchObject({ detectMs: 0, missed: 0 });
  });

  test('fails when the host gets a quarter of its share: the whole spell counts', () => {
    const isPicked = (atMs: number, turn: number) => atMs < 10_000 || atMs >= 20_000 || turn % 4 === 0;
    expect(react(isPicked)).toMatchObject({ detectMs: 10_000, missed: 1 });
  });
});

describe('recovery', () => {
  test('is the first pick of a window in which the host has half of its share again', () => {
    expect(react(atMs => atMs < 10_000 || atMs >= 24_000).recoverMs).toBe(4_000);
  });

  test('does not begin with a probe, after which hardly anything comes', () => {
    const isPicked = (atMs: number, turn: number) => atMs < 10_000 || (atMs >= 20_000 && (turn % 3 === 0 || atMs >= 25_000));
    // A third of 15 turns and five full turns make a half of twenty.
    expect(react(isPicked).recoverMs).closeTo(5_000 - 15 * 40, 40);
  });

  test('counts in full when it does not happen', () => {
    expect(react(atMs => atMs < 10_000).recoverMs).toBe(10_000);
  });

  test('is not judged where the host kept its calls: it has nothing to get back', () => {
    expect(react(() => true)).toEqual({ detectMs: 10_000, missed: 1, recoverMs: Number.NaN });
  });
});

test('nothing is judged where nothing broke, nor where there was no choice, nor from a handful of picks', () => {
  const quiet = { ...outage, timeline: [] };
  const nothing = { detectMs: Number.NaN, recoverMs: Number.NaN, missed: Number.NaN };
  expect(
    reaction(
      quiet,
      new Truth(quiet),
      picks(() => true),
    ),
  ).toEqual(nothing);
  const allDown = {
    ...outage,
    timeline: [{ atMs: 10_000, hosts: [0, 1, 2, 3], condition: { availability: 'silent' } as const }],
  };
  expect(
    reaction(
      allDown,
      new Truth(allDown),
      picks(() => true),
    ),
  ).toEqual(nothing);
  const few = new RunLog();
  for (let atMs = 0; atMs < 30_000; atMs += 1_000) {
    few.pickMs.push(atMs);
    few.pickHost.push(0);
  }
  expect(reaction(outage, new Truth(outage), few)).toEqual(nothing);
});

test('fair shares follow the capacity of the hosts that the route ever names', () => {
  const unequal = scenario({
    durationMs: 1_000,
    ratePerSec: 1,
    hosts: [
      hostSpec({ workers: 6 }),
      hostSpec({ workers: 2 }),
      hostSpec({ workers: 1, serviceMs: 20 }),
      hostSpec({ inRoute: false }),
    ],
  });
  expect(fairSharesOf(unequal, new Truth(unequal))).toEqual([0.6, 0.2, 0.2, 0]);
});
