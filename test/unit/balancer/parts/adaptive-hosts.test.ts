import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AdaptiveHosts } from '../../../../agent/src/balancer/adaptive-hosts.ts';
import { InFlight } from '../../../../agent/src/balancer/in-flight.ts';
import { TYPICAL_MS } from '../../../../agent/src/balancer/slots.ts';
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
        // A report of a call that was sent before all others is that of one that was given up, while there are any.
        const givenUp = rings.map(() => 0);
        const isOfGivenUp = (one: number, sentMs: number) => {
          const [ring, left] = [ringOf(one), givenUp[one] ?? 0];
          if (left === 0 || (ring.count > 0 && sentMs >= ring.oldestMs)) return false;
          givenUp[one] = left - 1;
          return true;
        };
        let nowMs = 1_000;
        for (const one of steps) {
          if (one.kind === 'send') {
            nowMs += one.afterMs;
            table.send(one.host, nowMs);
            ringOf(one.host).add(nowMs);
          } else if (one.kind === 'report') {
            const sentMs = nowMs - one.tookMs;
            if (!isOfGivenUp(one.host, sentMs)) ringOf(one.host).settle(sentMs);
            table.settle(one.host, sentMs);
          } else if (one.kind === 'infer') {
            // Nothing has been measured: any call is plausible, so it is the oldest.
            const ring = ringOf(one.host);
            const sentMs = ring.count === 0 ? nowMs : ring.oldestMs;
            expect(table.guessMs(one.host, one.ok, nowMs)).toBe(nowMs - sentMs);
            if (!isOfGivenUp(one.host, sentMs)) ring.settle(sentMs);
            table.settle(one.host, sentMs);
          } else if (one.kind === 'forget') {
            table.inFlight(one.host, nowMs - one.agoMs);
            const before = ringOf(one.host).count;
            ringOf(one.host).forgetBefore(nowMs - one.agoMs);
            givenUp[one.host] = (givenUp[one.host] ?? 0) + before - ringOf(one.host).count;
          } else {
            // One leaves the route and comes back as the last, without a past.
            const stay = Array.from({ length: HOSTS }, (_, number) => number).filter(number => number !== one.leaves);
            const left = table.at(one.leaves);
            table.sync(stay.map(number => table.at(number)));
            table.sync([...stay.map((_, number) => table.at(number)), left]);
            rings.push(...rings.splice(one.leaves, 1).map(() => new InFlight()));
            givenUp.push(...givenUp.splice(one.leaves, 1).map(() => 0));
          }
          const loads = rings.map((_, number) => table.inFlight(number, Number.NEGATIVE_INFINITY));
          expect(loads).toEqual(rings.map(ring => ring.count));
        }
      }),
    );
  });

  test('what is known of a host goes with it when others leave the route', () => {
    const table = tableOf(4);
    table.ejectionOf(3).start({ backoffMinMs: 1_000, backoffMaxMs: 10_000 }, false, () => 0.5, 0);
    table.setEvidence(2, 7);
    table.module[TYPICAL_MS] = 20;
    table.learnAnswer(2, 30, true, 0.01, 0);
    table.send(2, 5);
    table.sync([host(4), host(9), host(3)]);
    const numbers = [0, 1, 2];
    expect(numbers.map(number => table.at(number).port)).toEqual([3, 4, 9]);
    expect(numbers.map(number => table.evidenceOf(number))).toEqual([7, 0, 0]);
    expect(numbers.map(number => table.isOverloaded(number))).toEqual([false, true, false]);
    expect(numbers.map(number => table.stateOf(number))).toEqual(['idle', 'ejected', 'idle']);
    expect(numbers.map(number => table.inFlight(number, 0))).toEqual([1, 0, 0]);
    expect(numbers.map(number => table.priceMs(number, 0))).toEqual([30, 14, 14]);
  });

  test('AD-1: a new host has its turn like one that was just picked', () => {
    const table = tableOf(2);
    for (const number of [0, 1, 0, 1]) table.send(number, 0);
    table.sync(hostsUpTo(3));
    expect([0, 1, 2].map(number => table.pickedTurn(number))).toEqual([3, 4, 4]);
  });

  test('the dice of a module are decided by its seed, and stay as they are when the route changes', () => {
    const [one, same, other] = [0.5, 0.5, 0.6].map(random => new AdaptiveHosts(() => random));
    expect(one?.dice).toBe(same?.dice);
    expect(one?.dice).not.toBe(other?.dice);
    one?.sync(hostsUpTo(3));
    expect(one?.dice).toBe(same?.dice);
  });
});
