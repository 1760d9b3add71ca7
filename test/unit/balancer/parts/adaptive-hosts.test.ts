import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdaptiveHosts } from '../../../../agent/src/balancer/adaptive-hosts.ts';
import { ErrorBaseline } from '../../../../agent/src/balancer/error-baseline.ts';
import { InFlight } from '../../../../agent/src/balancer/in-flight.ts';
import { host, hostsUpTo } from '../world.ts';

const HOSTS = 3;

function tableOf(count: number): AdaptiveHosts {
  const table = new AdaptiveHosts(() => 0.5);
  table.sync(hostsUpTo(count));
  return table;
}

type Step =
  | { readonly kind: 'send'; readonly host: number; readonly afterMs: number }
  | { readonly kind: 'report'; readonly host: number; readonly tookMs: number }
  | { readonly kind: 'infer'; readonly host: number; readonly ok: boolean }
  | { readonly kind: 'forget'; readonly host: number; readonly agoMs: number }
  | { readonly kind: 'route'; readonly leaves: number };

const aHost = fc.nat(HOSTS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), host: aHost, afterMs: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('report' as const), host: aHost, tookMs: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('infer' as const), host: aHost, ok: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), host: aHost, agoMs: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('route' as const), leaves: aHost }) },
);

describe('AdaptiveHosts', () => {
  test('property: the calls in flight of each host are those that a ring of its own would have, whatever else happens', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
        const table = tableOf(HOSTS);
        const rings = Array.from({ length: HOSTS }, () => new InFlight());
        const ringOf = (one: number) => rings[one] as InFlight;
        let nowMs = 1_000;
        for (const one of steps) {
          if (one.kind === 'send') {
            nowMs += one.afterMs;
            table.send(one.host, nowMs);
            ringOf(one.host).add(nowMs);
          } else if (one.kind === 'report') {
            expect(table.settle(one.host, true, one.tookMs, nowMs)).toBe(one.tookMs);
            ringOf(one.host).settle(nowMs - one.tookMs);
          } else if (one.kind === 'infer') {
            // Nothing has been measured: only a call that began just now is plausible for a success, and any for a failure.
            const ring = ringOf(one.host);
            const sentMs = ring.count === 0 ? nowMs : ring.oldestSince(one.ok ? nowMs : Number.NEGATIVE_INFINITY);
            expect(table.settle(one.host, one.ok, undefined, nowMs)).toBe(nowMs - sentMs);
            ring.settle(sentMs);
          } else if (one.kind === 'forget') {
            table.load(one.host, nowMs - one.agoMs);
            ringOf(one.host).forgetBefore(nowMs - one.agoMs);
          } else {
            // One leaves the route and comes back as the last, without a past.
            const stay = Array.from({ length: HOSTS }, (_, number) => number).filter(number => number !== one.leaves);
            const left = table.at(one.leaves);
            table.sync(stay.map(number => table.at(number)));
            table.sync([...stay.map((_, number) => table.at(number)), left]);
            rings.push(...rings.splice(one.leaves, 1).map(() => new InFlight()));
          }
          const loads = rings.map((_, number) => table.load(number, Number.NEGATIVE_INFINITY));
          expect(loads).toEqual(rings.map(ring => ring.count));
        }
      }),
    );
  });

  test('what is known of a host goes with it when others leave the route', () => {
    const table = tableOf(4);
    table.limitedWindow(2).limit(7);
    table.beginEjection(3);
    table.learn(2, false, false, undefined, new ErrorBaseline(), 0);
    const errorRate = table.errorRateOf(2);
    table.sync([host(4), host(9), host(3)]);
    expect([0, 1, 2].map(number => table.at(number).port)).toEqual([3, 4, 9]);
    expect([0, 1, 2].map(number => table.windowOf(number)?.size)).toEqual([7, undefined, undefined]);
    expect([0, 1, 2].map(number => table.isOverloaded(number))).toEqual([false, true, false]);
    expect([0, 1, 2].map(number => table.errorRateOf(number))).toEqual([errorRate, 0, 0]);
    expect(errorRate).toBeGreaterThan(0);
  });

  test('the dice of a module are decided by its seed, and stay as they are when the route changes', () => {
    const [one, same, other] = [0.5, 0.5, 0.6].map(random => new AdaptiveHosts(() => random));
    expect(one?.dice).toBe(same?.dice);
    expect(one?.dice).not.toBe(other?.dice);
    one?.sync(hostsUpTo(3));
    expect(one?.dice).toBe(same?.dice);
  });
});
