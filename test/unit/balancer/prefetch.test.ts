import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import { type BalancerFactory, type ModuleBalancer, PREFETCH_STEPS } from '../../../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { play, trace } from './trace.ts';
import { hostsUpTo, World } from './world.ts';

const FACTORIES: readonly [string, BalancerFactory<ModuleBalancer>][] = [
  ['adaptive', adaptiveBalancer(ADAPTIVE_DEFAULTS)],
  ['classic', classicBalancer(CLASSIC_DEFAULTS)],
];

const readAll = (balancer: ModuleBalancer) => Array.from({ length: PREFETCH_STEPS }, (_, step) => balancer.prefetch(step));

describe.each(FACTORIES)('reading ahead of %s', (_name, factory) => {
  test('property: changes nothing', () => {
    fc.assert(
      fc.property(trace, steps => {
        const [read, other] = [new World(factory), new World(factory)];
        for (const step of steps) {
          readAll(read.balancer);
          expect(play(read, step)).toEqual(play(other, step));
        }
        expect(read.balancer.explain(read.nowMs)).toEqual(other.balancer.explain(other.nowMs));
      }),
    );
  });

  test.each([0, 1, 5, 16, 17, 300])('of %i hosts says a number', count => {
    const { balancer } = new World(factory, hostsUpTo(count));
    for (const one of readAll(balancer)) expect(one).toSatisfy(Number.isInteger);
  });
});
