import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ClassicOptions, classicBalancer } from '../../../../agent/src/balancer/classic/classic.ts';
import { play, type Step, trace } from '../trace.ts';
import { World } from '../world.ts';
import { classicModel } from './classic-model.ts';

/** Small numbers on purpose: every rule fires often, and often several in one report. */
const options: fc.Arbitrary<ClassicOptions> = fc.record({
  probeNum: fc.integer({ min: 1, max: 4 }),
  initSuccCnt: fc.integer({ min: 0, max: 30 }),
  initErrCnt: fc.integer({ min: 0, max: 5 }),
  errRate: fc.constantFrom(0, 0.1, 0.3, 0.5, 1),
  succRate: fc.constantFrom(0, 0.25, 0.5, 0.75, 0.95, 1),
  continErrLimit: fc.integer({ min: 1, max: 15 }),
  continSuccLimit: fc.integer({ min: 1, max: 15 }),
  windowErrRate: fc.constantFrom(0.3, 0.5, 0.7, 1),
  windowErrLimit: fc.integer({ min: 1, max: 3 }),
  idleTimeoutMs: fc.integer({ min: 1, max: 2_000 }),
  overloadTimeoutMs: fc.integer({ min: 1, max: 2_000 }),
  tcostAmplify: fc.boolean(),
});

test('property: over random traces classic answers and moves hosts exactly as the model does', () => {
  fc.assert(
    fc.property(options, trace, (conf, steps) => {
      causesMet(conf, steps);
    }),
    { numRuns: 300 },
  );
});

test('such traces meet every cause of a transition', () => {
  const samples = fc.sample(fc.tuple(options, trace), { numRuns: 100, seed: 1 });
  expect(new Set(samples.flatMap(([conf, steps]) => causesMet(conf, steps)))).toEqual(
    new Set(['error-rate', 'failure-run', 'success-rate', 'success-run', 'window-error-rate', 'overload-timeout']),
  );
});

/** Walks both through the trace side by side. Returns the causes of all transitions. */
function causesMet(conf: ClassicOptions, steps: readonly Step[]): string[] {
  const real = new World(classicBalancer(conf));
  const model = new World(classicModel(conf));
  const causes: string[] = [];
  for (const step of steps) {
    expect(play(real, step)).toEqual(play(model, step));
    expect(sidesOf(real)).toEqual(sidesOf(model));
    const moves = takeMoves(real);
    expect(moves).toEqual(takeMoves(model));
    causes.push(...moves.map(move => move.cause));
  }
  return causes;
}

function sidesOf(world: World) {
  return new Map([...world.balancer.hosts()].map(view => [view.host.port, [view.host, view.isEjected]]));
}

function takeMoves(world: World) {
  return world.transitions.splice(0).map(({ host, to, cause }) => ({ host, to, cause }));
}
