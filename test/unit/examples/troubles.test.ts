/** The troubles, without waiting: each phase of the story is begun by hand, and what it did to the servers is looked at. */
import { afterEach, describe, expect, test } from 'vitest';
import { type HttpFleet, startFleet } from '../../../examples/demo/http-fleet.ts';
import { seededRandom } from '../../../examples/demo/random.ts';
import { Scoreboard } from '../../../examples/demo/scoreboard.ts';
import { troublesStory } from '../../../examples/demo/story.ts';
import { fairShareIn, heal, TROUBLES, type Trouble, titleOf, victimsOf, WELL } from '../../../examples/demo/troubles.ts';

const RATE = 150;
const fleets: HttpFleet[] = [];
afterEach(async () => {
  await Promise.all(fleets.splice(0).map(fleet => fleet.stop()));
});

async function stage(hosts: number) {
  const fleet = await startFleet({ hosts, behaviour: WELL, random: seededRandom(1) });
  fleets.push(fleet);
  return {
    fleet,
    score: new Scoreboard(
      fleet.hosts.map(({ authority }) => authority),
      1_000,
    ),
  };
}

const named = (name: string) => TROUBLES.find(trouble => trouble.name === name) as Trouble;
const behaviours = ({ hosts }: HttpFleet) => hosts.map(({ behaviour }) => behaviour);
const runs = ({ hosts }: HttpFleet) => hosts.map(({ running }) => running);

async function strike(name: string) {
  const { fleet } = await stage(3);
  const trouble = named(name);
  const victims = trouble.befalls === 'all servers' ? fleet.hosts : fleet.hosts.slice(1, 2);
  for (const { act } of trouble.steps(1)) {
    for (const victim of victims) await act({ fleet, victim, ratePerSecond: RATE });
  }
  return fleet;
}

test('the first thing that happens is that nothing is wrong: answers of all servers take the same time, and few are errors', async () => {
  const [first] = TROUBLES as readonly [Trouble];
  expect(first).toMatchObject({ name: 'all-well', befalls: 'all servers', capacity: 1 });
  const fleet = await strike(first.name);
  const well = { ...WELL, spread: 0, errorRate: 0.005 };
  expect(behaviours(fleet)).toEqual([well, well, well]);
  expect(runs(fleet)).toEqual([true, true, true]);
  expect(TROUBLES.filter(({ befalls }) => befalls === 'all servers')).toHaveLength(1);
});

test('each trouble has another server, while there are some, and what befalls all takes none from them', () => {
  const troubles = ['slow', 'all-well', 'stopped', 'flapping'].map(named);
  expect(victimsOf(troubles, 2)).toEqual([0, undefined, 1, 0]);
  expect(troubles.map((trouble, index) => titleOf(trouble, victimsOf(troubles, 3)[index]))).toEqual([
    'server 1 is ten times slower',
    'nothing is wrong (all answers take 20 ms, 0.5 % are errors)',
    'server 2 is stopped',
    'server 3 flaps: 2 s down, 2 s up',
  ]);
});

describe('a trouble', () => {
  test.each([
    ['brown-out', { ...WELL, errorRate: 0.3 }],
    ['slow', { ...WELL, latencyMs: WELL.latencyMs * 10 }],
  ])('%s changes how one server behaves, and no other', async (name, changed) => {
    const fleet = await strike(name);
    expect(behaviours(fleet)).toEqual([WELL, changed, WELL]);
    expect(runs(fleet)).toEqual([true, true, true]);
  });

  test('stopped stops one server, and leaves its behaviour as it was', async () => {
    const fleet = await strike('stopped');
    expect(runs(fleet)).toEqual([true, false, true]);
    expect(behaviours(fleet)).toEqual([WELL, WELL, WELL]);
  });

  test('unequal leaves one server a quarter of the slots, too few for its usual share', async () => {
    const fleet = await strike('unequal');
    expect(behaviours(fleet).map(({ slots }) => slots)).toEqual([4, 1, 4]);
    const [first = WELL, ...others] = behaviours(fleet);
    expect(others.every(({ latencyMs }) => latencyMs === first.latencyMs)).toBe(true);
    const usualRate = RATE / 3;
    const slotRate = 1_000 / first.latencyMs;
    expect(usualRate).toBeGreaterThan(slotRate);
    // The others have room for all that it cannot take.
    expect(RATE).toBeLessThan(slotRate * 4 * 2);
  });

  test('healed, each server is as before', async () => {
    for (const { name } of TROUBLES) {
      const fleet = await strike(name);
      await heal(fleet);
      expect(behaviours(fleet), name).toEqual([WELL, WELL, WELL]);
      expect(runs(fleet), name).toEqual([true, true, true]);
    }
  });

  test.each([
    ['brown-out', 5, 1 / 5],
    ['stopped', 2, 1 / 2],
    ['unequal', 5, 1 / 17],
    ['unequal', 2, 1 / 5],
  ])('%s of one among %i: the fair share is that of its capacity', (name, hosts, share) => {
    expect(fairShareIn(named(name), hosts)).toBeCloseTo(share, 12);
  });

  test.each(TROUBLES.flatMap(trouble => [0.5, 2, 5, 10].map(seconds => [trouble.name, seconds] as const)))(
    '%s lasts the %f seconds that it should',
    (name, seconds) => {
      const steps = named(name).steps(seconds);
      expect(steps.reduce((sum, step) => sum + step.seconds, 0)).toBeCloseTo(seconds, 12);
      expect(steps.every(step => step.seconds > 0)).toBe(true);
    },
  );

  test('flapping goes down and up in turns', async () => {
    const { fleet } = await stage(2);
    const victim = fleet.hosts[0] as HttpFleet['hosts'][number];
    const seen: (readonly [number, boolean])[] = [];
    for (const { seconds, act } of named('flapping').steps(9)) {
      await act({ fleet, victim, ratePerSecond: RATE });
      seen.push([seconds, victim.running]);
    }
    expect(seen).toEqual([
      [2, false],
      [2, true],
      [2, false],
      [2, true],
      [1, false],
    ]);
  });
});

describe('the story of troubles', () => {
  test('each trouble has its server, and quiet before and after it', async () => {
    const phases = troublesStory([await stage(2)], ['slow', 'flapping', 'stopped'].map(named), {
      troubleSeconds: 3,
      quietSeconds: 1.5,
      ratePerSecond: RATE,
    });
    expect(phases.map(({ name, seconds }) => [name, seconds])).toEqual([
      ['all is well', 1.5],
      ['server 1 is ten times slower', 3],
      ['server 1 is well again', 1.5],
      ['server 2 flaps: 2 s down, 2 s up', 2],
      ['server 2 flaps: 2 s down, 2 s up', 1],
      ['server 2 is well again', 1.5],
      ['server 1 is stopped', 3],
      ['server 1 is well again', 1.5],
    ]);
  });

  test('where all are well, every server is, and no scoreboard watches one alone', async () => {
    const stages = [await stage(2), await stage(2)];
    const times = { troubleSeconds: 3, quietSeconds: 1, ratePerSecond: RATE };
    const phases = troublesStory(stages, ['all-well', 'stopped'].map(named), times);
    expect(phases.map(({ name }) => name)).toEqual([
      'all is well',
      'nothing is wrong (all answers take 20 ms, 0.5 % are errors)',
      'all is well',
      'server 1 is stopped',
      'server 1 is well again',
    ]);
    const spreads: number[][] = [];
    for (const { begin } of phases.slice(0, 3)) {
      await begin();
      spreads.push(stages.flatMap(({ fleet }) => behaviours(fleet).map(({ spread }) => spread)));
    }
    expect(spreads).toEqual([Array(4).fill(WELL.spread), Array(4).fill(0), Array(4).fill(WELL.spread)]);
    for (const { score } of stages) {
      expect(score.troubles).toMatchObject([{ host: undefined, lastedMs: expect.any(Number), callsPerHost: [0, 0] }]);
    }
  });

  test('the same happens on every stage, and each scoreboard hears of its own server', async () => {
    const stages = [await stage(2), await stage(2)];
    const times = { troubleSeconds: 4, quietSeconds: 1, ratePerSecond: RATE };
    const running: boolean[][][] = [];
    for (const { begin } of troublesStory(stages, ['flapping', 'stopped'].map(named), times)) {
      await begin();
      running.push(stages.map(({ fleet }) => runs(fleet)));
    }
    expect(running.map(([first]) => first)).toEqual([
      [true, true],
      [false, true],
      [true, true],
      [true, true],
      [true, false],
      [true, true],
    ]);
    expect(running.every(([first, second]) => String(first) === String(second))).toBe(true);
    for (const { fleet, score } of stages) {
      expect(score.troubles.map(({ host }) => host)).toEqual(fleet.hosts.map(({ authority }) => authority));
    }
  });
});
