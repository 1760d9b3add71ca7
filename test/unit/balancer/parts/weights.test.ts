import { describe, expect, test } from 'vitest';
import { Weights } from '../../../../agent/src/balancer/weights.ts';

const aHost = (weight: number, picks = 0) => ({ weight, recentPicks: () => picks });

/** Of hosts whose weights differ, and which got all of the picks. */
function weightsOf(hosts: readonly ReturnType<typeof aHost>[]): Weights {
  const weights = Weights.of(hosts, undefined, 0);
  if (weights === undefined) throw new Error('the weights are the same');
  return weights;
}

describe('AD-20: weights', () => {
  test.each([
    [[], false],
    [[100], false],
    [[50, 50, 50], false],
    [[50, 50, 60], true],
  ])('%j differ: %s', (weights, differ) => {
    const hosts = weights.map(weight => aHost(weight));
    expect(Weights.of(hosts, undefined, 0) !== undefined).toBe(differ);
  });

  test('picks are counted on when weights change, and forgotten when they become the same', () => {
    const [light, heavy, equal] = [aHost(100, 50), aHost(300, 50), aHost(300, 50)];
    const before = weightsOf([light, heavy]);
    for (let i = 0; i < 100; i++) before.countPick(0);
    const weights = Weights.of([light, equal], before, 0);
    expect(weights?.price(light, 10, 0, 0)).toBeCloseTo(10, 10);
    expect(Weights.of([heavy, equal], weights, 0)).toBeUndefined();
  });

  test('a load weighs less on a host with more weight', () => {
    const [light, heavy] = [aHost(100), aHost(300)];
    const weights = weightsOf([light, heavy]);
    expect([light, heavy].map(host => weights.price(host, 10, 0, 0))).toEqual([10, 10]);
    expect(weights.price(light, 10, 3, 0)).toBeCloseTo(10 * (1 + (3 * 200) / 100), 10);
    expect(weights.price(heavy, 10, 3, 0)).toBeCloseTo(10 * (1 + (3 * 200) / 300), 10);
  });

  test('a host that got less than its share of the recent picks is cheaper, one that got more is dearer', () => {
    const [light, heavy] = [aHost(100, 50), aHost(300, 50)];
    const weights = weightsOf([light, heavy]);
    expect(weights.price(light, 10, 0, 0)).toBeCloseTo(10 * Math.sqrt(2), 10);
    expect(weights.price(heavy, 10, 0, 0)).toBeCloseTo(10 * Math.sqrt(2 / 3), 10);
  });

  test('a share counts as half at the least and as four times at the most', () => {
    const [missed, flooded] = [aHost(100, 0), aHost(1, 100)];
    const weights = weightsOf([missed, flooded]);
    expect(weights.price(missed, 10, 0, 0)).toBeCloseTo(10 * Math.sqrt(0.5), 10);
    expect(weights.price(flooded, 10, 0, 0)).toBeCloseTo(10 * Math.sqrt(4), 10);
  });
});
