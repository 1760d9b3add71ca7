import { expect, test } from 'vitest';
import { answerQuery } from '../../../agent/src/agent-queries.ts';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { type ListDeps, type ModuleList, mergeLists } from '../../../agent/src/shard/list-modules.ts';
import type { ShardName, ShardQuery } from '../../../agent/src/threads/messages.ts';
import { hostInfo, reportFrame } from '../../support/agent-messages.ts';
import { REPORT_TIMEOUT_MS, ShardWorld } from './shard-world.ts';

/** All modules belong to shard 0. */
const IDS = [0, 3, 6, 9, 12].map(cmdid => ({ modid: 0, cmdid }));

function world(): ShardWorld {
  const shards = new ShardWorld({ newBalancer: adaptiveBalancer(ADAPTIVE_DEFAULTS) });
  for (const { modid, cmdid } of IDS) shards.route(modid, cmdid, [hostInfo(1), hostInfo(2), { ...hostInfo(3), drain: true }]);
  return shards;
}

function list(shards: ShardWorld, max: number, deps: Partial<ListDeps> = {}): Promise<ModuleList> {
  return shards.shardAt(0).list(max, { nowMs: () => shards.nowMs, pause: () => Promise.resolve(), ...deps });
}

test('the modules with the most picks are listed, with their hosts by state; all are counted', async () => {
  const shards = world();
  IDS.forEach(({ modid, cmdid }, i) => {
    for (let call = 0; call < 10 * i; call++) shards.getHost({ modid, cmdid });
  });
  const { active, picksPerSec, inTrouble, modules } = await list(shards, 2);
  expect({ active, inTrouble }).toEqual({ active: 5, inTrouble: 0 });
  expect(picksPerSec).toBeCloseTo(100 / 10);
  expect(modules.map(({ cmdid }) => cmdid)).toEqual([12, 9]);
  expect(modules[0]).toMatchObject({ hosts: 3, draining: 1, ejected: 0, avoided: 0, isShedding: false, algorithm: 'adaptive' });
  expect(modules[0]?.picksPerSec).toBeCloseTo(4);
});

test('a module in trouble is listed, however few calls it has', async () => {
  const shards = world();
  const [first, , , , last] = IDS;
  for (let call = 0; call < 100; call++) shards.getHost({ ...last });
  shards.send(0, reportFrame({ ...first, host: hostInfo(1) }));
  for (let call = 0; call < 20; call++) shards.send(0, reportFrame({ ...first, host: hostInfo(2), retcode: 1 }));
  const { inTrouble, modules } = await list(shards, 1);
  expect(inTrouble).toBe(1);
  expect(modules.map(({ cmdid, ejected }) => [cmdid, ejected])).toEqual([
    [0, 1],
    [12, 0],
  ]);
});

test('a module whose calls fail at all hosts is in trouble, though none of its hosts is', async () => {
  const shards = new ShardWorld({ newBalancer: adaptiveBalancer(ADAPTIVE_DEFAULTS) });
  shards.route(0, 0, [hostInfo(1)]);
  for (let call = 0; call < 20; call++) shards.send(0, reportFrame({ modid: 0, cmdid: 0, host: hostInfo(1), retcode: 1 }));
  // What is in a status report counts.
  shards.advance(REPORT_TIMEOUT_MS);
  shards.flushDue();
  expect(await list(shards, 1)).toMatchObject({ inTrouble: 1, modules: [{ hosts: 1, ejected: 0, isErring: true }] });
});

test('many modules are looked at in slices, between which the thread does its other work', async () => {
  const shards = new ShardWorld();
  for (let i = 0; i < 1_000; i++) shards.route(0, 3 * i, [hostInfo(1)]);
  let [nowMs, pauses] = [0, 0];
  const pause = async () => {
    pauses += 1;
  };
  // Each look at the clock takes a millisecond: a slice ends at the second look.
  expect((await list(shards, 10, { nowMs: () => nowMs++, pause })).active).toBe(1_000);
  expect(pauses).toBeGreaterThan(3);
  expect(pauses).toBeLessThan(1_000 / 64);
});

test('lists of several shards are one', () => {
  const one = { active: 2, picksPerSec: 1.5, inTrouble: 1, modules: [] };
  expect(mergeLists([one, one])).toEqual({ active: 4, picksPerSec: 3, inTrouble: 2, modules: [] });
});

test('GET /why asks all shards, and says when one does not answer; GET /why/MODID/CMDID asks the owner', async () => {
  const asked: [ShardName, ShardQuery][] = [];
  const empty: ModuleList = { active: 1, picksPerSec: 0, inTrouble: 0, modules: [] };
  const ask = (silent: readonly ShardName[]) => async (shard: ShardName, query: ShardQuery) => {
    asked.push([shard, query]);
    return silent.includes(shard) ? undefined : empty;
  };
  expect(await answerQuery('/why', ask([]))).toEqual({ ...empty, active: 3 });
  expect(await answerQuery('/why', ask(['shard1']))).toEqual({ ...empty, active: 2, missingShards: 1 });
  expect(await answerQuery('/why', ask(['shard0', 'shard1', 'shard2']))).toBeUndefined();
  asked.length = 0;
  expect(await answerQuery('/why/1/3', ask([]))).toBe(empty);
  expect(asked).toEqual([['shard1', { what: 'module', module: { modid: 1, cmdid: 3 } }]]);
  for (const path of ['/', '/why/', '/why/1', '/why/a/b', '/why/2147483648/1']) {
    expect([path, await answerQuery(path, ask([]))]).toEqual([path, undefined]);
  }
});
