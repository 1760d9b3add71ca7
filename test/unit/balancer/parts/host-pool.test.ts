import { Dice } from '@lars/proto/dice';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HostPool, type PoolMember } from '../../../../agent/src/balancer/host-pool.ts';
import { seededRandom } from '../world.ts';

interface Member extends PoolMember {
  readonly name: number;
}

function poolOf(size: number): { pool: HostPool<Member>; members: Member[] } {
  const pool = new HostPool<Member>();
  const members = Array.from({ length: size }, (_, name) => ({ name, slot: 0 }));
  for (const member of members) pool.add(member);
  return { pool, members };
}

const drawAll = (pool: HostPool<Member>, dice: Dice) =>
  Array.from({ length: pool.size }, (_, drawn) => pool.draw(drawn, dice).name);

describe('HostPool', () => {
  test('property: as many draws as members give each of them once, however they have joined and left', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9)), fc.integer(), (toggled, seed) => {
        const pool = new HostPool<Member>();
        const dice = new Dice(seededRandom(seed));
        const members = Array.from({ length: 10 }, (_, name) => ({ name, slot: 0 }));
        const inside = new Set<number>();
        for (const name of toggled) {
          const member = members[name] as Member;
          if (inside.delete(name)) pool.remove(member);
          else {
            inside.add(name);
            pool.add(member);
          }
          // A few draws alone must leave the pool in order as well.
          for (let drawn = 0; drawn < pool.size >> 1; drawn++) pool.draw(drawn, dice);
          if (seed % 2 === 0) expect(drawAll(pool, dice).sort()).toEqual([...inside].sort());
        }
        expect(drawAll(pool, dice).sort()).toEqual([...inside].sort());
      }),
    );
  });

  test('each member is drawn first equally often, and second too', () => {
    const { pool } = poolOf(5);
    const dice = new Dice(seededRandom(3));
    const counts = [0, 1].map(() => new Array<number>(5).fill(0));
    for (let i = 0; i < 50_000; i++) {
      for (const drawn of [0, 1]) {
        const count = counts[drawn] as number[];
        const { name } = pool.draw(drawn, dice);
        count[name] = (count[name] as number) + 1;
      }
    }
    for (const count of counts.flat()) expect(count / 10_000).toBeCloseTo(1, 1);
  });

  test('next comes to every member within one round', () => {
    const { pool, members } = poolOf(4);
    const round = () => Array.from({ length: pool.size }, () => pool.next().name).sort();
    expect([round(), round()]).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3],
    ]);
    pool.remove(members[1] as Member);
    pool.remove(members[3] as Member);
    expect(round()).toEqual([0, 2]);
  });
});

describe('Dice', () => {
  test.each([1, 2, 7, 5_000, 65_536])('throws integers from 0 to below %i, each as often as the others', limit => {
    const dice = new Dice(seededRandom(9));
    const thrown = Array.from({ length: 20_000 }, () => dice.below(limit));
    expect(thrown.every(one => Number.isInteger(one) && one >= 0 && one < limit)).toBe(true);
    const mean = thrown.reduce((sum, one) => sum + one, 0) / thrown.length;
    expect(mean / limit).toBeCloseTo((limit - 1) / 2 / limit, 1);
    expect(new Set(thrown).size).toBeGreaterThan(Math.min(limit, 20_000) * 0.8);
  });

  test.each([0, 0.5, 1 - 2 ** -53])('does not stick, whatever the seed: %f', seed => {
    const dice = new Dice(() => seed);
    expect(new Set(Array.from({ length: 1_000 }, () => dice.below(65_536))).size).toBeGreaterThan(900);
  });

  test('asks for its seed once, and throws the same for the same seed', () => {
    let asked = 0;
    const dice = () =>
      new Dice(() => {
        asked += 1;
        return 0.3;
      });
    const throws = (one: Dice) => Array.from({ length: 20 }, () => one.below(1_000));
    expect(throws(dice())).toEqual(throws(dice()));
    expect(asked).toBe(2);
  });
});
