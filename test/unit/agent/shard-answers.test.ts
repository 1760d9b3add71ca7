import { type RouteKey, routeKey, shardOf } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeGetHost,
  decodeGetRoute,
  getHostFrame,
  getRouteFrame,
  hostInfos,
  reportFrame,
} from '../../support/agent-messages.ts';
import { ABSENT_TTL_MS, ROUTE_WAIT_MS, ShardWorld, UPDATE_TIMEOUT_MS } from './shard-world.ts';

/** Few modules, of all shards, so that requests meet the same one in every state. */
const module = fc.constantFrom({ modid: 0, cmdid: 0 }, { modid: 1, cmdid: 0 }, { modid: -1, cmdid: 0 }, { modid: 7, cmdid: -7 });

type Step =
  | { readonly kind: 'getHost' | 'getRoute'; readonly module: Module; readonly receiver: number }
  | { readonly kind: 'report'; readonly module: Module; readonly receiver: number }
  | { readonly kind: 'route'; readonly module: Module; readonly hosts: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'expire' | 'settle' };
type Module = { readonly modid: number; readonly cmdid: number };

const receiver = fc.nat(2);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('getHost', 'getRoute'), module, receiver }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('report'), module, receiver }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('route'), module, hosts: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.constantFrom(1, ROUTE_WAIT_MS, ABSENT_TTL_MS, UPDATE_TIMEOUT_MS) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('expire', 'settle') }) },
);

interface Asked {
  readonly kind: 'getHost' | 'getRoute';
  readonly module: Module;
  readonly receiver: number;
}

/** Plays the steps; a request's number is its seq and its caller. */
class Play {
  readonly world: ShardWorld;
  readonly asked: Asked[] = [];

  constructor(maxWaiting: number) {
    this.world = new ShardWorld({ maxWaiting, maxAbsent: 2 });
  }

  step(one: Step): void {
    const { world } = this;
    if (one.kind === 'getHost' || one.kind === 'getRoute') this.#ask(one);
    else if (one.kind === 'report') world.send(one.receiver, reportFrame({ ...one.module, host: hostInfos(1)[0] }), 'nobody');
    else if (one.kind === 'route') world.route(one.module.modid, one.module.cmdid, hostInfos(one.hosts));
    else if (one.kind === 'time') world.advance(one.ms);
    else if (one.kind === 'expire') world.expireWaits();
    else world.settle();
  }

  /** Mail is delivered and all waits are over. */
  finish(): void {
    this.world.settle();
    this.world.advance(ROUTE_WAIT_MS);
    this.world.expireWaits();
    this.world.settle();
  }

  #ask({ kind, module, receiver }: Asked): void {
    const seq = this.asked.push({ kind, module, receiver }) - 1;
    const datagram = kind === 'getHost' ? getHostFrame({ ...module, seq }) : getRouteFrame(module);
    this.world.send(receiver, datagram, seq);
  }
}

describe('property: every well-formed request', () => {
  const traces = fc.array(step, { maxLength: 80 });
  const room = fc.constantFrom(0, 1, 3, 1_000);

  test('is answered exactly once, in the end, from the socket that was asked, about the module that was asked for', () => {
    fc.assert(
      fc.property(traces, room, (steps, maxWaiting) => {
        const play = new Play(maxWaiting);
        for (const one of steps) {
          play.step(one);
          expect(peersOf(play)).toHaveLength(new Set(peersOf(play)).size);
        }
        play.finish();
        expect(new Set(peersOf(play))).toEqual(new Set(play.asked.keys()));
        expect(play.world.answers).toHaveLength(play.asked.length);
        for (const { shard, caller, datagram } of play.world.answers) {
          const asked = play.asked[caller as number] as Asked;
          expect(shard).toBe(asked.receiver);
          if (asked.kind === 'getHost') expect(decodeGetHost(datagram)).toMatchObject({ ...asked.module, seq: caller });
          else expect(decodeGetRoute(datagram)).toMatchObject(asked.module);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('is counted once by its owner, and nothing waits or is forgotten in the end', () => {
    fc.assert(
      fc.property(traces, room, (steps, maxWaiting) => {
        const play = new Play(maxWaiting);
        for (const one of steps) play.step(one);
        play.finish();
        const { world, asked } = play;
        expect([world.count('getHost'), world.count('getRoute')]).toEqual([
          asked.filter(({ kind }) => kind === 'getHost').length,
          asked.filter(({ kind }) => kind === 'getRoute').length,
        ]);
        const answered = ['answeredSuccess', 'answeredOverload', 'answeredNoExist', 'answeredError'] as const;
        expect(answered.reduce((sum, name) => sum + world.count(name), 0)).toBe(world.count('getHost'));
        for (const shard of world.shards) {
          expect(shard.modules.parkedCount).toBe(0);
          expect(shard.nextDeadlineMs()).toBeUndefined();
          expect(shard.modules.absentCount).toBeLessThanOrEqual(2);
        }
      }),
    );
  });

  test('never waits while its module has a route, and one wait asks one question', () => {
    fc.assert(
      fc.property(traces, steps => {
        const play = new Play(1_000);
        const routed = new Set<RouteKey>();
        for (const one of steps) {
          play.world.fetches.length = 0;
          const before = play.world.answers.length;
          play.step(one);
          if (one.kind === 'route') routed[one.hosts > 0 ? 'add' : 'delete'](keyOf(one.module));
          if (one.kind !== 'getHost' || one.receiver !== shardOf(one.module.modid, one.module.cmdid)) continue;
          if (routed.has(keyOf(one.module))) expect(play.world.answers).toHaveLength(before + 1);
          expect(play.world.fetches.length).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});

function keyOf({ modid, cmdid }: Module): RouteKey {
  return routeKey(modid, cmdid);
}

function peersOf(play: Play): unknown[] {
  return play.world.answers.map(answer => answer.caller);
}
