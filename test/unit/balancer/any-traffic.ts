import { type HostInfo, hostKey } from '@lars/proto';
import fc from 'fast-check';
import type { ModuleBalancer } from '../../../agent/src/balancer/balancer.ts';
import { host, type World } from './world.ts';

/** What can happen to a balancer in the worst of worlds: liars, lost and late reports, any list of hosts, clocks that jump. */
export type Event =
  | { readonly kind: 'setHosts'; readonly hosts: readonly HostInfo[] }
  | { readonly kind: 'pick' }
  /** A caller tells how one of the calls went that were picked, the so manyth of those that nobody has told of. */
  | { readonly kind: 'answer'; readonly which: number; readonly ok: boolean; readonly isTimed: boolean }
  /** A report about any host, whether it was picked or not. */
  | {
      readonly kind: 'report';
      readonly host: number;
      readonly ok: boolean;
      readonly tcostMs: number | undefined;
      readonly picked: boolean;
    }
  | { readonly kind: 'wait'; readonly ms: number };

const HOSTS = 8;

function aHost(weights: fc.Arbitrary<number>): fc.Arbitrary<HostInfo> {
  const details = fc.record({
    weight: weights,
    zone: fc.constantFrom('', 'a', 'b'),
    drain: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  });
  return fc.tuple(fc.integer({ min: 1, max: HOSTS }), details).map(([n, told]) => host(n, told));
}

const setHosts = (weights: fc.Arbitrary<number>): fc.Arbitrary<Event> =>
  fc.record({ kind: fc.constant('setHosts' as const), hosts: fc.array(aHost(weights), { maxLength: HOSTS + 2 }) });

const answer: fc.Arbitrary<Event> = fc.record({
  kind: fc.constant('answer' as const),
  which: fc.nat(20),
  ok: fc.boolean(),
  isTimed: fc.boolean(),
});

const report: fc.Arbitrary<Event> = fc.record({
  kind: fc.constant('report' as const),
  host: fc.integer({ min: 1, max: HOSTS + 1 }),
  ok: fc.boolean(),
  tcostMs: fc.constantFrom(undefined, 0, 1, 10, 900, 1_000, 60_000, 2 ** 32 - 1),
  picked: fc.boolean(),
});

const wait = (ms: fc.Arbitrary<number>): fc.Arbitrary<Event> => fc.record({ kind: fc.constant('wait' as const), ms });

/** Long traces: the interesting states lie dozens of reports deep, whatever size fast-check would choose. */
function traffic(weights: fc.Arbitrary<number>, waits: fc.Arbitrary<number>): fc.Arbitrary<Event[]> {
  const event = fc.oneof(
    { weight: 3, arbitrary: setHosts(weights) },
    { weight: 40, arbitrary: fc.constant<Event>({ kind: 'pick' }) },
    { weight: 30, arbitrary: answer },
    { weight: 20, arbitrary: report },
    { weight: 15, arbitrary: wait(waits) },
  );
  return fc
    .tuple(setHosts(weights), fc.array(event, { minLength: 50, maxLength: 300, size: 'max' }))
    .map(([first, rest]) => [first, ...rest]);
}

const jumps = fc.constantFrom(0, 0.1, 5, 100, 1_000, 20_000, 5 * 3_600_000);

export const anyTraffic = traffic(
  fc.constantFrom(0, 1, 100, 2 ** 31 - 1, -7),
  fc.oneof(jumps, fc.constantFrom(-1, -1_000, -3_600_000)),
);

/** The same with weights that an operator may have meant, and a clock that never goes back. */
export const meantTraffic = traffic(fc.constantFrom(0, 50, 100, 200), jumps);

interface Call {
  readonly host: HostInfo;
  readonly sentMs: number;
}

/** The callers of a world; they remember which calls they have not told of. */
export class Callers {
  readonly #world: World<ModuleBalancer>;
  readonly #underWay: Call[] = [];

  constructor(world: World<ModuleBalancer>) {
    this.#world = world;
  }

  /** Returns the picked host after a pick. */
  play(event: Event): HostInfo | undefined {
    const world = this.#world;
    switch (event.kind) {
      case 'setHosts':
        world.setHosts(event.hosts);
        return undefined;
      case 'pick':
        return this.#pick();
      case 'answer':
        this.#answer(event.which, event.ok, event.isTimed);
        return undefined;
      case 'report':
        world.balancer.report(hostKey(host(event.host)), event.ok, event.tcostMs, world.nowMs, event.picked);
        return undefined;
      case 'wait':
        world.nowMs += event.ms;
        return undefined;
    }
  }

  #pick(): HostInfo | undefined {
    const picked = this.#world.pick();
    if (picked !== undefined) this.#underWay.push({ host: picked, sentMs: this.#world.nowMs });
    return picked;
  }

  #answer(which: number, ok: boolean, isTimed: boolean): void {
    const [call] = this.#underWay.splice(which % Math.max(1, this.#underWay.length), 1);
    if (call === undefined) return;
    const { nowMs, balancer } = this.#world;
    balancer.report(hostKey(call.host), ok, isTimed ? Math.max(0, nowMs - call.sentMs) : undefined, nowMs);
  }
}
