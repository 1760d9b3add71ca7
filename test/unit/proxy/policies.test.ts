import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConsistentHash } from '../../../proxy/src/pick/consistent-hash.ts';
import { HostTable } from '../../../proxy/src/pick/host-table.ts';
import { LeastConnections } from '../../../proxy/src/pick/least-connections.ts';
import type { Candidate, Policy } from '../../../proxy/src/pick/policy.ts';
import { RoundRobin } from '../../../proxy/src/pick/round-robin.ts';

const any = () => true;

function candidates(...weights: readonly number[]): Candidate[] {
  const table = new HostTable({ maxConnections: 0, failCoolDownMs: 0 });
  return weights.map((weight, at) => ({ state: table.stateOf(`10.0.0.${at}:80`), weight }));
}

/** Which hosts are chosen one after the other, by their places; each choice is a connection that stays. */
function choices(policy: Policy, all: readonly Candidate[], count: number, key: (at: number) => string = String): number[] {
  return Array.from({ length: count }, (_, at) => {
    const chosen = policy.choose(all, any, key(at)) as Candidate;
    chosen.state.connections += 1;
    return all.indexOf(chosen);
  });
}

function tally(places: readonly number[]): number[] {
  const counts: number[] = [];
  for (const place of places) counts[place] = (counts[place] ?? 0) + 1;
  return counts;
}

describe('round robin', () => {
  test('equal hosts take turns', () => {
    expect(choices(new RoundRobin(), candidates(100, 100, 100), 7)).toStrictEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  test('weights are kept, and spread evenly', () => {
    expect(choices(new RoundRobin(), candidates(300, 100, 100), 5)).toStrictEqual([0, 1, 0, 2, 0]);
  });

  test('a host that may not be picked leaves its turns to the others, and gets none back', () => {
    const all = candidates(100, 100, 100);
    const policy = new RoundRobin();
    for (let each = 0; each < 30; each++) expect(policy.choose(all, one => one !== all[1])).not.toBe(all[1]);
    expect(tally(choices(policy, all, 30))[1]).toBe(10);
  });
});

describe('least connections', () => {
  test('the least used host for its weight', () => {
    const all = candidates(100, 200, 100);
    expect(tally(choices(new LeastConnections(), all, 40))).toStrictEqual([10, 20, 10]);
  });

  test('equal hosts take turns even where every connection ends at once', () => {
    const all = candidates(100, 100, 100);
    const policy = new LeastConnections();
    const chosen = Array.from({ length: 30 }, () => all.indexOf(policy.choose(all, any) as Candidate));
    expect(tally(chosen)).toStrictEqual([10, 10, 10]);
  });
});

describe('consistent hash', () => {
  const keys = Array.from({ length: 1_000 }, (_, at) => `10.1.${at >> 8}.${at & 255}`);
  const homes = (all: readonly Candidate[]) => {
    const policy = new ConsistentHash();
    return keys.map(key => policy.choose(all, any, key)?.state.authority);
  };

  test('a client comes to the same host, whatever others do', () => {
    const all = candidates(100, 100, 100, 100);
    expect(homes(all)).toStrictEqual(homes(all));
    const counts = tally(homes(all).map(home => all.findIndex(({ state }) => state.authority === home)));
    for (const count of counts) expect(count).toBeGreaterThan(100);
  });

  test('when a host goes, only its clients move', () => {
    const all = candidates(100, 100, 100, 100);
    const before = homes(all);
    const after = homes(all.slice(0, 3));
    const gone = (all[3] as Candidate).state.authority;
    for (const [at, home] of before.entries()) if (home !== gone) expect(after[at]).toBe(home);
    expect(after).not.toContain(gone);
  });

  test('no host gets more than a quarter above its share, rounded up, even where all clients are one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 10, max: 300 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 200 }),
        (weights, count) => {
          const all = candidates(...weights);
          choices(new ConsistentHash(), all, count, () => 'one client');
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          for (const { state, weight } of all)
            expect(state.connections).toBeLessThanOrEqual(Math.ceil((1.25 * count * weight) / total));
        },
      ),
      { numRuns: 100 },
    );
  });
});

test.each([new RoundRobin(), new LeastConnections(), new ConsistentHash()])(
  '%o chooses nothing where nothing may be picked',
  policy => {
    expect(policy.choose(candidates(100, 100), () => false, 'a')).toBeUndefined();
    expect(policy.choose([], any, 'a')).toBeUndefined();
  },
);

test('the limit of connections to a host is checked where they are handed out', () => {
  const table = new HostTable({ maxConnections: 2, failCoolDownMs: 1_000 });
  const state = table.stateOf('10.0.0.1:80');
  expect([table.acquire(state), table.acquire(state), table.acquire(state)]).toStrictEqual([true, true, false]);
  table.release(state);
  expect(state.connections).toBe(1);
  table.noteFailed(state, 5_000);
  expect(state.coolUntilMs).toBe(6_000);
  table.noteConnected(state);
  expect(state.coolUntilMs).toBe(0);
});
