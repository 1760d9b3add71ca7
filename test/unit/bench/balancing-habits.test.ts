import { hostKey } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { RoundRobin } from '../../../bench/balancing/contenders/round-robin.ts';
import { HABIT_NAMES, HABITS, type HabitName } from '../../../bench/balancing/habits.ts';

const hosts = [1, 2, 3].map(ip => ({ ip, port: 80, weight: 0, addr: '', zone: '', drain: false }));
const [first] = hosts.map(hostKey) as [ReturnType<typeof hostKey>];

/** [whether it succeeded, how long it took, when it was told] */
type Told = [boolean, number | undefined, number];

class Recorder extends RoundRobin {
  readonly told: Told[] = [];

  override report(...[key, ok, tcostMs, nowMs]: Parameters<RoundRobin['report']>): boolean {
    this.told.push([ok, tcostMs, nowMs]);
    return super.report(key, ok, tcostMs, nowMs);
  }
}

function callers(habit: HabitName) {
  const recorder = new Recorder();
  const balancer = HABITS[habit](() => recorder)({ random: () => 0, onTransition: () => undefined });
  balancer.setHosts(hosts, 0);
  return { balancer, told: recorder.told };
}

/** A success of 2.4 ms, a failure of 0.2 ms, and so on, at 1, 2, 3, ... ms. */
function report(habit: HabitName, calls: number): Told[] {
  const { balancer, told } = callers(habit);
  for (let call = 0; call < calls; call++) balancer.report(first, call % 2 === 0, call % 2 === 0 ? 2.4 : 0.2, call + 1);
  return told;
}

describe('what is told of a success of 2.4 ms and a failure of 0.2 ms', () => {
  test.each<[HabitName, (number | undefined)[]]>([
    ['failures only', [0.2]],
    ['successes only', [2.4]],
    ['one in ten', [2.4]],
    ['never', []],
    ['always 1 ms', [1, 1]],
    ['always 0 ms', [0, 0]],
    ['whole milliseconds', [2, 1]],
    ['microseconds', [2_400, 200]],
    ['no durations', [undefined, undefined]],
    ['keeps a host', [2.4, 0.2]],
    ['two seconds late', []],
    ['cancels a fifth', []],
  ])('%s', (habit, durations) => {
    expect(report(habit, 2).map(([, tcostMs]) => tcostMs)).toEqual(durations);
  });

  test('every habit was asked', () => {
    expect(HABIT_NAMES).toHaveLength(12);
  });
});

test('of a hundred calls in a row, one in ten tells ten, and a fifth is cancelled at once', () => {
  expect(report('one in ten', 100)).toHaveLength(10);
  expect(report('cancels a fifth', 200).map(([, , atMs]) => atMs)).toEqual(
    [...Array(200).keys()].filter(call => call % 100 >= 20).map(call => call + 1),
  );
});

test('no duration stays none in any unit', () => {
  for (const habit of ['whole milliseconds', 'microseconds', 'no durations'] as const) {
    const { balancer, told } = callers(habit);
    balancer.report(first, true, undefined, 1);
    expect(told).toEqual([[true, undefined, 1]]);
  }
});

test('who keeps a host asks for every twentieth call, and at once when the route has changed', () => {
  const { balancer } = callers('keeps a host');
  const picked = (calls: number) => Array.from({ length: calls }, () => balancer.pick(0)?.ip);
  expect(picked(40)).toEqual([...new Array(20).fill(2), ...new Array(20).fill(3)]);
  picked(1);
  balancer.setHosts(hosts.slice(1), 0);
  expect(balancer.pick(0)?.ip).not.toBe(1);
});

test('late reports are told two seconds after the first of them, all at once, with their own durations', () => {
  const { balancer, told } = callers('two seconds late');
  balancer.report(first, true, 5, 1_000);
  balancer.report(first, false, 7, 2_500);
  balancer.pick(2_999);
  expect(told).toEqual([]);
  balancer.pick(3_100);
  expect(told).toEqual([
    [true, 5, 3_100],
    [false, 7, 3_100],
  ]);
  balancer.pick(9_000);
  expect(told).toHaveLength(2);
});
