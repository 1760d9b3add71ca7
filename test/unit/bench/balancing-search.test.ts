import { describe, expect, test } from 'vitest';
import { climb } from '../../../bench/balancing/search/climb.ts';
import { shrink } from '../../../bench/balancing/search/shrink.ts';
import { Draw } from '../../../bench/balancing/sim/draw.ts';
import { randomStream } from '../../../bench/balancing/sim/random.ts';
import { drawWorlds } from '../../../bench/balancing/worlds/draw-world.ts';
import { simplerWorlds } from '../../../bench/balancing/worlds/simplify-world.ts';
import { highestLoad, peakLoad } from '../../../bench/balancing/worlds/spare-capacity.ts';
import type { WorldParameters } from '../../../bench/balancing/worlds/world-parameters.ts';

describe('a climb', () => {
  /** The top is at 70. */
  const hill = {
    draw: (draw: Draw) => draw.index(1_000),
    mutate: (at: number, draw: Draw) => at + draw.index(41) - 20,
    height: (at: number) => -Math.abs(at - 70),
  };

  test('comes near the top, and tells every step up', () => {
    const heights: number[] = [];
    const found = climb(hill, 200, new Draw(randomStream(1, 'climb')), place => heights.push(place.height));
    expect(found.height).toBeGreaterThanOrEqual(-2);
    expect(heights).toEqual(heights.toSorted((a, b) => a - b));
    expect(heights.at(-1)).toBe(found.height);
  });

  test('is the same for the same seed', () => {
    const run = () => climb(hill, 50, new Draw(randomStream(3, 'climb')), () => undefined);
    expect(run()).toEqual(run());
  });

  test('of one round is a draw', () => {
    expect(climb(hill, 1, new Draw(() => 0.5), () => undefined)).toEqual({ at: 500, height: -430 });
  });
});

describe('shrinking', () => {
  test('ends with the smallest that holds', () => {
    const simpler = (n: number) => [Math.floor(n / 2), n - 1].filter(one => one >= 0);
    expect(shrink(1_000, simpler, n => n >= 37)).toBe(37);
    expect(shrink(1_000, simpler, () => false)).toBe(1_000);
  });

  test('asks of no value twice, and ends where steps lead back', () => {
    const asked: number[] = [];
    const turns = (n: number) => [(n + 1) % 3];
    shrink(0, turns, n => asked.push(n) > 0);
    expect(asked).toEqual([1, 2, 0]);
  });

  const many = [...drawWorlds('well', 40, 1), ...drawWorlds('troubled', 40, 1)];

  test('a world of which nothing matters ends as plain as a world can be', () => {
    for (const world of many) {
      const plain = shrink(world, simplerWorlds, () => true);
      expect(plain).toMatchObject({
        agents: 1,
        hosts: world.kind === 'well' ? 1 : 3,
        workers: expect.toSatisfy((workers: number) => workers <= 4),
        work: { shape: 'constant' },
        errorRate: 0,
        reportLoss: 0,
        reportsTcost: true,
        inequality: 1,
        regression: 1,
        burst: 1,
        pauses: null,
        sharedErrors: 0,
      });
      expect(plain.fault?.hosts ?? 1).toBe(1);
    }
  });

  test('what a world is bad for stays, and it stays well', () => {
    const matters = (world: WorldParameters) => world.hosts >= 4 && world.errorRate > 0.001;
    for (const world of many.filter(matters)) {
      const small = shrink(world, simplerWorlds, matters);
      expect(small.hosts).toBe(4);
      expect(small.errorRate).toBeGreaterThan(0.001);
      expect(peakLoad(small)).toBeLessThanOrEqual(highestLoad(small));
    }
  });
});
