import { hostKey } from '@lars/proto';
import { expect, test } from 'vitest';
import { adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { ADAPTIVE_DEFAULTS } from '../../../agent/src/balancer/adaptive/options.ts';
import type { ModuleBalancer } from '../../../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { host, hostsUpTo, World } from './world.ts';

const explain = (world: World<ModuleBalancer>) => new Map(world.balancer.explain(world.nowMs).map(one => [one.host.port, one]));

test('explain tells state, share of the recent picks, the counts, and the last change with its numbers', () => {
  const world = new World(classicBalancer(CLASSIC_DEFAULTS), [...hostsUpTo(3), host(4, { drain: true })]);
  world.picks(6);
  world.fail(host(2), 15);
  world.nowMs += 3_000;
  const hosts = explain(world);
  expect([1, 2, 3, 4].map(port => hosts.get(port)?.state)).toEqual(['healthy', 'ejected', 'healthy', 'draining']);
  expect(hosts.get(2)?.last).toMatchObject({
    to: 'ejected',
    cause: 'failure-run',
    agoMs: 3_000,
    numbers: { errRun: 15, limit: 15 },
  });
  expect(hosts.get(1)?.last).toBeUndefined();
  expect([1, 2, 4].map(port => hosts.get(port)?.share)).toEqual([1 / 3, 1 / 3, 0]);
  expect(hosts.get(2)?.numbers).toMatchObject({ virtualErr: CLASSIC_DEFAULTS.initErrCnt, stateMs: 3_000 });
});

test('shares follow the picks: an overloaded host keeps its probes alone', () => {
  const world = new World(classicBalancer(CLASSIC_DEFAULTS), hostsUpTo(2));
  world.fail(host(2), 15);
  world.nowMs += 30_000;
  world.picks(110);
  expect(explain(world).get(2)?.share).toBeCloseTo(1 / 11, 10);
});

test('without picks every share is 0', () => {
  const world = new World(classicBalancer(CLASSIC_DEFAULTS), hostsUpTo(2));
  expect(world.balancer.explain(world.nowMs).map(({ share }) => share)).toEqual([0, 0]);
});

test.each([classicBalancer(CLASSIC_DEFAULTS), adaptiveBalancer(ADAPTIVE_DEFAULTS)])(
  'a call that a client picked from its copy counts in the share of its host: algorithm %#',
  balancer => {
    const world = new World(balancer, hostsUpTo(2));
    for (const n of [1, 1, 1, 2]) world.balancer.report(hostKey(host(n)), true, 5, world.nowMs, false);
    expect([1, 2].map(port => explain(world).get(port)?.share)).toEqual([0.75, 0.25]);
  },
);
