import { hostKey, routeKey, shardOf } from '@lars/proto';
import { expect, test } from 'vitest';
import {
  batchFrame,
  getHostFrame,
  getRouteFrame,
  hostInfo,
  hostInfos,
  namedHost,
  reportFrame,
} from '../../support/agent-messages.ts';
import { below, mutantOf } from '../../support/fuzz.ts';
import { freshSeed, seededRandom } from '../../support/seeded-random.ts';
import { addCounts, judge } from './datagram-oracle.ts';
import { ROUTE_WAIT_MS, ShardWorld } from './shard-world.ts';

const DATAGRAMS = 100_000;
const MAX_HELD = 50;
const MAX_ABSENT = 100;

const MODULES = [
  { modid: 1, cmdid: 1 },
  { modid: 2, cmdid: 1 },
  { modid: 3, cmdid: 1 },
  { modid: -7, cmdid: 2 ** 31 - 1 },
];
const HOSTS = [...hostInfos(3), namedHost('db.example')];
const FRAMES = [...MODULES, { modid: 1, cmdid: 300 }].flatMap(module => [
  getHostFrame({ ...module, seq: 2 ** 31 }),
  getHostFrame({ ...module, seq: 7, features: 1 }),
  getRouteFrame(module),
  getRouteFrame({ ...module, version: 5, features: 1 }),
  reportFrame({ ...module, host: hostInfo(1), retcode: 1, tcost: 250 }),
  reportFrame({ ...module, host: namedHost('db.example') }),
  batchFrame({ ...module, results: HOSTS.map(host => ({ ...host, succ: 3, err: 1, tcost: 90 })) }),
]);
const ROUTES = new Map(MODULES.map(({ modid, cmdid }) => [routeKey(modid, cmdid), new Set(HOSTS.map(hostKey))]));

test(`of ${DATAGRAMS} mutated datagrams each is answered or counted by its reason, and none breaks a shard`, () => {
  const seed = freshSeed();
  const random = seededRandom(seed);
  const world = new ShardWorld({ maxHeld: MAX_HELD, maxAbsent: MAX_ABSENT });
  for (const { modid, cmdid } of MODULES) world.route(modid, cmdid, HOSTS);
  const expected: Record<string, number> = { routeChanges: MODULES.length };
  let requests = 0;
  let answers = 0;
  const takeAnswers = () => {
    world.settle();
    answers += world.answers.splice(0).length;
    world.pulls.length = 0;
    world.reports.length = 0;
  };
  for (let i = 0; i < DATAGRAMS; i++) {
    const datagram = mutantOf(FRAMES, random);
    const verdict = judge(datagram, ROUTES);
    const receiver = below(3, random);
    world.send(receiver, datagram, i);
    addCounts(expected, verdict.counts);
    if (verdict.answer) requests += 1;
    const { module } = verdict;
    const forwarded = module !== undefined && shardOf(module.modid, module.cmdid) !== receiver;
    if (forwarded) addCounts(expected, { misrouted: 1 });
    takeAnswers();
    if (i % 50 === 0) {
      world.advance(ROUTE_WAIT_MS / 4);
      world.expireWaits();
      world.reportDue();
    }
    for (const { modules } of world.shards) {
      if (modules.heldCount > MAX_HELD || modules.absentCount > MAX_ABSENT) throw new Error(`seed ${seed}: a limit is passed`);
    }
  }
  world.advance(ROUTE_WAIT_MS);
  world.expireWaits();
  takeAnswers();
  const counted = Object.fromEntries(Object.keys(expected).map(name => [name, world.count(name as never)]));
  expect({ seed, answers, ...counted }).toEqual({ seed, answers: requests, ...expected });
  // A mutation that never gets past the length check would prove little.
  for (const reason of ['badLength', 'badMessageId', 'badBody', 'getHost', 'getRoute', 'report', 'reportUnknownHost']) {
    expect(expected[reason], `seed ${seed}: ${reason}`).toBeGreaterThan(DATAGRAMS / 1_000);
  }
});
