import { expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../../agent/src/balancer/adaptive/adaptive.ts';
import { addResult, countResults, NO_RESULTS } from '../../../../agent/src/balancer/adaptive/recent-results.ts';
import type { ModuleBalancer } from '../../../../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../../agent/src/balancer/classic/classic.ts';
import { host, World } from '../world.ts';
import { AdaptiveWorld } from './adaptive-world.ts';

const SLOW = 3;
const hosts = [1, 2, SLOW].map(port => host(port));

/** Host 3 takes as long as it is told to; the others 10 ms. */
function called(tookMs: number, settings: { readonly zones?: boolean } = {}): AdaptiveWorld {
  const placed = settings.zones ? hosts.map(one => ({ ...one, zone: one.port === SLOW ? 'far' : 'near' })) : hosts;
  const world = new AdaptiveWorld(placed, settings.zones ? { zone: 'near' } : {});
  world.callInTurn(200, port => (port === SLOW ? tookMs : 10));
  return world;
}

test('a host that costs clearly more than the others, and gets few calls for that, is avoided; the module is in trouble', () => {
  const world = called(200);
  expect(world.state(SLOW)).toBe('healthy');
  expect(world.explain(SLOW).avoidedTimes).toBeGreaterThan(2);
  expect(world.explain(1).avoidedTimes).toBeUndefined();
  expect(world.balancer.isInTrouble(world.nowMs)).toBe(true);
});

test('it is avoided as long as it gets few calls, also while its price fades', () => {
  const world = called(41);
  for (let i = 0; i < 3_000; i++) {
    const picked = world.pick();
    world.nowMs += 20;
    if (picked !== undefined) world.succeed(picked, 1, picked.port === SLOW ? 41 : 10);
    if (i % 50 === 0) expect(world.explain(SLOW).avoidedTimes, `after ${i} calls`).toBeGreaterThan(2);
  }
});

test.each([
  ['costs about as much', called(12)],
  ['stands in another zone', called(200, { zones: true })],
  ['was not called lately, nor were the others', new AdaptiveWorld(hosts)],
])('one that %s is not', (_, world) => {
  expect(world.explain(SLOW).avoidedTimes).toBeUndefined();
  expect(world.balancer.isInTrouble(world.nowMs)).toBe(false);
});

test('one that errs a little is avoided, and it is told how its last calls went', () => {
  const world = new AdaptiveWorld(hosts);
  let calls = 0;
  for (let i = 0; i < 400; i++) {
    const picked = world.pick();
    world.nowMs += 10;
    if (picked === undefined) continue;
    if (picked.port === SLOW && calls++ % 5 === 0) world.fail(picked, 1, 10);
    else world.succeed(picked, 1, 10);
  }
  const { numbers } = world.explain(1);
  expect(numbers).toMatchObject({ lastCalls: 30, lastFailures: 0 });
  expect(world.number(SLOW, 'lastFailures')).toBeGreaterThan(0);
  expect(world.balancer.isInTrouble(world.nowMs)).toBe(true);
});

test.each([
  ['adaptive', adaptiveBalancer(ADAPTIVE_DEFAULTS)],
  ['classic', classicBalancer(CLASSIC_DEFAULTS)],
])('a module all of whose hosts drain is in trouble, with %s', (_, factory) => {
  const world = new World<ModuleBalancer>(factory, [host(1), host(2, { drain: true })]);
  expect(world.balancer.isInTrouble(world.nowMs)).toBe(false);
  world.setHosts([host(1, { drain: true }), host(2, { drain: true })]);
  expect(world.balancer.isInTrouble(world.nowMs)).toBe(true);
  world.setHosts([]);
  expect(world.balancer.isInTrouble(world.nowMs)).toBe(false);
});

test('picks of the last 10 to 20 seconds are told, of the module and of each host', () => {
  const world = called(10);
  const all = world.balancer.recentPicks(world.nowMs);
  expect(all).toBe(200);
  expect(hosts.map(({ port }) => world.explain(port).picks).reduce((sum, picks) => sum + picks)).toBe(all);
  expect(world.balancer.recentPicks(world.nowMs + 30_000)).toBe(0);
});

test('of the results of a host the last 30 are known', () => {
  const slots = [0, NO_RESULTS, 0];
  const add = (...results: readonly boolean[]) => {
    for (const ok of results) addResult(slots, 1, ok);
  };
  const counts = () => Object.values(countResults(slots[1] as number));
  expect(counts()).toEqual([0, 0]);
  add(true, false, true);
  expect(counts()).toEqual([3, 1]);
  add(...Array.from({ length: 27 }, (_, i) => i < 20));
  expect(counts()).toEqual([30, 8]);
  // The success that came first is forgotten, and then the failure.
  add(false);
  expect(counts()).toEqual([30, 9]);
  add(true);
  expect(counts()).toEqual([30, 8]);
  add(...new Array<boolean>(30).fill(false));
  expect([counts(), slots]).toEqual([
    [30, 30],
    [0, 2 ** 31 - 1, 0],
  ]);
});
