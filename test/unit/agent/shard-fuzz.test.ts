import { shardOf } from '@lars/proto';
import { expect, test } from 'vitest';
import { addCounts, FUZZ_FRAMES, FUZZ_HOSTS, FUZZ_MODULES, FUZZ_OUTCOMES, judge } from '../../support/agent-fuzz.ts';
import { below, mutantOf } from '../../support/fuzz.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';
import { ROUTE_WAIT_MS, ShardWorld } from './shard-world.ts';

const DATAGRAMS = 100_000;
const MAX_HELD = 50;
const MAX_ABSENT = 100;

test(`of ${DATAGRAMS} mutated datagrams each is answered or counted by its reason, and none breaks a shard`, () => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const world = new ShardWorld({ maxWaiting: MAX_HELD, maxAbsent: MAX_ABSENT });
  for (const { modid, cmdid } of FUZZ_MODULES) world.route(modid, cmdid, FUZZ_HOSTS);
  const expected: Record<string, number> = { routeChanges: FUZZ_MODULES.length };
  let requests = 0;
  let answers = 0;
  const takeAnswers = () => {
    world.settle();
    answers += world.answers.splice(0).length;
    world.fetches.length = 0;
    world.reports.length = 0;
  };
  for (let i = 0; i < DATAGRAMS; i++) {
    const datagram = mutantOf(FUZZ_FRAMES, random);
    const verdict = judge(datagram);
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
      world.flushDue();
    }
    for (const { modules } of world.shards) {
      if (modules.parkedCount > MAX_HELD || modules.absentCount > MAX_ABSENT) throw new Error(`seed ${seed}: a limit is passed`);
    }
  }
  world.advance(ROUTE_WAIT_MS);
  world.expireWaits();
  takeAnswers();
  const counted = Object.fromEntries(Object.keys(expected).map(name => [name, world.count(name as never)]));
  expect({ seed, answers, ...counted }).toEqual({ seed, answers: requests, ...expected });
  for (const outcome of FUZZ_OUTCOMES) expect(expected[outcome], `seed ${seed}: ${outcome}`).toBeGreaterThan(DATAGRAMS / 1_000);
}, 120_000);
