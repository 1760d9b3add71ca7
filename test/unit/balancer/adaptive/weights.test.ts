import { describe, expect, test } from 'vitest';
import { Weights } from '../../../../agent/src/balancer/adaptive/weights.ts';
import { allHosts } from '../../../../agent/src/balancer/host-pool.ts';
import { COMMON_SLOTS, HostSlots } from '../../../../agent/src/balancer/host-slots.ts';
import { HostTable } from '../../../../agent/src/balancer/host-table.ts';
import { host } from '../world.ts';

interface AHost {
  readonly weight: number;
  readonly picks: number;
}

const aHost = (weight: number, picks = 0): AHost => ({ weight, picks });

/** Hosts that are numbered as they stand there. */
function hostsOf(all: readonly AHost[]): [HostTable, HostSlots] {
  const table = new HostTable();
  const slots = new HostSlots({ module: [], pick: [], row: [...COMMON_SLOTS, Number.NEGATIVE_INFINITY] });
  slots.move(table.sync(all.map(({ weight }, number) => host(number + 1, { weight }))));
  all.forEach(({ picks }, number) => {
    for (let i = 0; i < picks; i++) slots.countPick(number, 0);
  });
  return [table, slots];
}

function weigh(all: readonly AHost[], before?: Weights): Weights | undefined {
  return Weights.of(...hostsOf(all), allHosts(all.length), before, 0);
}

/** The prices of hosts whose weights differ, and which got all of the picks. */
function pricesOf(all: readonly AHost[], load = 0): number[] {
  const weights = weigh(all);
  if (weights === undefined) throw new Error('the weights are the same');
  const hosts = hostsOf(all);
  return all.map((_, number) => weights.price(...hosts, number, 10, load, 0));
}

describe('AD-20: weights', () => {
  test.each([
    [[], false],
    [[100], false],
    [[50, 50, 50], false],
    [[50, 50, 60], true],
  ])('%j differ: %s', (weights, differ) => {
    expect(weigh(weights.map(weight => aHost(weight))) !== undefined).toBe(differ);
  });

  test('picks are counted on when weights change, and forgotten when they become the same', () => {
    const [light, heavy, equal] = [aHost(100, 50), aHost(300, 50), aHost(300, 50)];
    const before = weigh([light, heavy]);
    for (let i = 0; i < 100; i++) before?.countPick(0);
    const weights = weigh([light, equal], before);
    expect(weights?.price(...hostsOf([light, equal]), 0, 10, 0, 0)).toBeCloseTo(10, 10);
    expect(weigh([heavy, equal], weights)).toBeUndefined();
  });

  test('a load weighs less on a host with more weight', () => {
    const hosts = [aHost(100), aHost(300)];
    expect(pricesOf(hosts)).toEqual([10, 10]);
    const [light, heavy] = pricesOf(hosts, 3);
    expect(light).toBeCloseTo(10 * (1 + (3 * 200) / 100), 10);
    expect(heavy).toBeCloseTo(10 * (1 + (3 * 200) / 300), 10);
  });

  test('a host that got less than its share of the recent picks is cheaper, one that got more is dearer', () => {
    const [light, heavy] = pricesOf([aHost(100, 50), aHost(300, 50)]);
    expect(light).toBeCloseTo(10 * Math.sqrt(2), 10);
    expect(heavy).toBeCloseTo(10 * Math.sqrt(2 / 3), 10);
  });

  test('a share counts as half at the least and as four times at the most', () => {
    const [missed, flooded] = pricesOf([aHost(100, 0), aHost(1, 100)]);
    expect(missed).toBeCloseTo(10 * Math.sqrt(0.5), 10);
    expect(flooded).toBeCloseTo(10 * Math.sqrt(4), 10);
  });

  test('only those that are in the pool count', () => {
    const all = [aHost(100, 10), aHost(700, 900), aHost(300, 30)];
    const weights = Weights.of(...hostsOf(all), [0, 2], undefined, 0);
    expect([0, 2].map(host => weights?.price(...hostsOf(all), host, 10, 0, 0))).toEqual([10, 10]);
  });
});
