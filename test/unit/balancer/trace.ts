import { hostKey } from '@lars/proto';
import fc from 'fast-check';
import { host, type World } from './world.ts';

/** What can happen to a balancer. Hosts are numbers out of a small universe, so that traces meet the same host again. */
export type Step =
  | { readonly kind: 'setHosts'; readonly hosts: readonly number[]; readonly weight: number }
  | { readonly kind: 'pick' }
  | { readonly kind: 'report'; readonly host: number; readonly ok: boolean; readonly tcostMs: number | undefined }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'takeCounts' };

const UNIVERSE = 7;
const hostNumber = fc.integer({ min: 1, max: UNIVERSE });

const setHosts: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('setHosts' as const),
  hosts: fc.array(hostNumber, { maxLength: UNIVERSE + 2 }),
  weight: fc.integer({ min: 0, max: 200 }),
});

const report: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('report' as const),
  host: hostNumber,
  ok: fc.boolean(),
  tcostMs: fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined }),
});

const wait: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 800 }) });

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: setHosts },
  { weight: 40, arbitrary: fc.constant<Step>({ kind: 'pick' }) },
  { weight: 50, arbitrary: report },
  { weight: 6, arbitrary: wait },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'takeCounts' }) },
);

/** Long traces: the interesting states lie dozens of reports deep, whatever size fast-check would choose. */
export const trace: fc.Arbitrary<Step[]> = fc
  .tuple(setHosts, fc.array(step, { minLength: 50, maxLength: 400, size: 'max' }))
  .map(([first, rest]) => [first, ...rest]);

/** Does one step; returns all that a caller sees of it. */
export function play(world: World, step: Step): unknown {
  const { balancer, nowMs } = world;
  switch (step.kind) {
    case 'setHosts':
      return balancer.setHosts(
        step.hosts.map(n => host(n, { weight: step.weight })),
        nowMs,
      );
    case 'pick':
      return balancer.pick(nowMs);
    case 'report':
      return balancer.report(hostKey(host(step.host)), step.ok, step.tcostMs, nowMs);
    case 'wait':
      world.nowMs += step.ms;
      return undefined;
    case 'takeCounts':
      return world.takeCounts();
  }
}
