import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mean } from '../../../bench/balancing/measure/statistics.ts';
import { constant, exponential, lognormal } from '../../../bench/balancing/sim/distribution.ts';
import { Draw } from '../../../bench/balancing/sim/draw.ts';
import { randomStream } from '../../../bench/balancing/sim/random.ts';

const SAMPLES = 200_000;

function numbers(count: number, seed: number, name: string): number[] {
  const random = randomStream(seed, name);
  return Array.from({ length: count }, random);
}

describe('streams of random numbers', () => {
  test('equal seed and name give equal numbers, another of either gives others', () => {
    expect(numbers(50, 1, 'a')).toEqual(numbers(50, 1, 'a'));
    expect(numbers(50, 1, 'a')).not.toEqual(numbers(50, 2, 'a'));
    expect(numbers(50, 1, 'a')).not.toEqual(numbers(50, 1, 'b'));
  });

  test('numbers are uniform in [0, 1): every hundredth gets its share', () => {
    const drawn = numbers(SAMPLES, 7, 'uniform');
    const counts = new Array<number>(100).fill(0);
    for (const number of drawn) counts[Math.floor(number * 100)] = (counts[Math.floor(number * 100)] as number) + 1;
    const expected = SAMPLES / 100;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 99 degrees of freedom: 95 % of such sums lie in 73..129.
    expect(chiSquare).toBeGreaterThan(60);
    expect(chiSquare).toBeLessThan(145);
  });

  test('neighbours and streams of neighbouring seeds are independent', () => {
    const first = numbers(SAMPLES, 1, 'a');
    const covariance = (second: readonly number[]) => mean(first.map((x, at) => (x - 0.5) * ((second[at] as number) - 0.5)));
    expect(covariance([...first.slice(1), 0.5])).closeTo(0, 0.001);
    expect(covariance(numbers(SAMPLES, 2, 'a'))).closeTo(0, 0.001);
    expect(covariance(numbers(SAMPLES, 1, 'b'))).closeTo(0, 0.001);
  });
});

describe.each([
  { name: 'constant', distribution: constant, variation: 0 },
  { name: 'exponential', distribution: exponential, variation: 1 },
  { name: 'lognormal(0.5)', distribution: lognormal(0.5), variation: 0.5 },
  { name: 'lognormal(1)', distribution: lognormal(1), variation: 1 },
])('$name', ({ distribution, variation }) => {
  const random = randomStream(11, 'samples');
  const samples = Array.from({ length: SAMPLES }, () => distribution.sample(random));

  test('has the mean 1 and the variation that was asked for', () => {
    expect(mean(samples)).closeTo(1, 0.01);
    expect(Math.sqrt(mean(samples.map(x => (x - 1) ** 2)))).closeTo(variation, 0.03);
  });

  test.each([0, 0.3, 0.9, 1.1, 2, 4])('knows how many samples are above %s', x => {
    expect(distribution.tail(x)).closeTo(mean(samples.map(sample => (sample > x ? 1 : 0))), 0.005);
  });
});

test('a drawn order holds everybody once, and everybody may be first', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(), (count, seed) => {
      const draw = new Draw(randomStream(seed, 'order'));
      expect(draw.order(count).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index));
    }),
  );
  const draw = new Draw(randomStream(1, 'first'));
  const firsts = Array.from({ length: 3_000 }, () => draw.some(1, 3)[0]);
  for (const host of [0, 1, 2]) expect(firsts.filter(first => first === host).length).closeTo(1_000, 120);
});
