import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recordPick } from '../../../../agent/src/balancer/adaptive/choose.ts';
import { numbersOf, stateOf } from '../../../../agent/src/balancer/adaptive/explain.ts';
import { learnFromClientPick } from '../../../../agent/src/balancer/adaptive/learn.ts';
import { ModuleState } from '../../../../agent/src/balancer/adaptive/module-state.ts';
import { ADAPTIVE_DEFAULTS } from '../../../../agent/src/balancer/adaptive/options.ts';
import { SendTimes } from '../../../../agent/src/balancer/adaptive/send-times.ts';
import { EVIDENCE, PICKED_TURN, PRNG_STATE, pickSlots, TYPICAL_MS } from '../../../../agent/src/balancer/adaptive/slots.ts';
import { host, hostsUpTo } from '../world.ts';

const HOSTS = 3;

function stateWith(count: number, random = 0.5): ModuleState {
  const state = new ModuleState(ADAPTIVE_DEFAULTS, { random: () => random, onTransition() {} });
  state.syncHosts(hostsUpTo(count));
  return state;
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

describe('ModuleState', () => {
  test('property: the calls in flight of each host are those that a ring of its own would have, whatever else happens', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
        const state = stateWith(HOSTS);
        const calls = state.inFlight;
        const rings = Array.from({ length: HOSTS }, () => new SendTimes());
        const ringOf = (one: number) => rings[one] as SendTimes;
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
            recordPick(state, one.host, nowMs);
            ringOf(one.host).add(nowMs);
          } else if (one.kind === 'report') {
            const sentMs = nowMs - one.tookMs;
            if (!isOfGivenUp(one.host, sentMs)) ringOf(one.host).settle(sentMs);
            calls.settle(one.host, nowMs - sentMs, nowMs);
          } else if (one.kind === 'infer') {
            // Nothing has been measured: any call is plausible, so it is the oldest.
            const ring = ringOf(one.host);
            const sentMs = ring.count === 0 ? nowMs : ring.oldestMs;
            expect(calls.guessMs(one.host, one.ok, nowMs)).toBe(nowMs - sentMs);
            if (!isOfGivenUp(one.host, sentMs)) ring.settle(sentMs);
            calls.settle(one.host, nowMs - sentMs, nowMs);
          } else if (one.kind === 'forget') {
            calls.count(one.host, nowMs - one.agoMs);
            const before = ringOf(one.host).count;
            ringOf(one.host).forgetBefore(nowMs - one.agoMs);
            givenUp[one.host] = (givenUp[one.host] ?? 0) + before - ringOf(one.host).count;
          } else {
            // One leaves the route and comes back as the last, without a past.
            const { table } = state;
            const stay = Array.from({ length: HOSTS }, (_, number) => number).filter(number => number !== one.leaves);
            const left = table.at(one.leaves);
            state.syncHosts(stay.map(number => table.at(number)));
            state.syncHosts([...stay.map((_, number) => table.at(number)), left]);
            rings.push(...rings.splice(one.leaves, 1).map(() => new SendTimes()));
            givenUp.push(...givenUp.splice(one.leaves, 1).map(() => 0));
          }
          const counts = rings.map((_, number) => calls.count(number, Number.NEGATIVE_INFINITY));
          expect(counts).toEqual(rings.map(ring => ring.count));
        }
      }),
    );
  });

  test('what is known of a host goes with it when others leave the route', () => {
    const state = stateWith(4);
    const { inFlight, slots, table } = state;
    state.ejectionOf(3).start({ probeBackoffMinMs: 1_000, probeBackoffMaxMs: 10_000 }, false, () => 0.5, 0);
    slots.values[slots.row(2) + EVIDENCE] = 7;
    slots.values[TYPICAL_MS] = 20;
    learnFromClientPick(state, 2, true, 30, 0);
    slots.values[TYPICAL_MS] = 20;
    recordPick(state, 2, 5);
    state.syncHosts([host(4), host(9), host(3)]);
    const numbers = [0, 1, 2];
    expect(numbers.map(number => table.at(number).port)).toEqual([3, 4, 9]);
    expect(numbers.map(number => slots.values[slots.row(number) + EVIDENCE])).toEqual([7, 0, 0]);
    expect(numbers.map(number => state.isEjected(number))).toEqual([false, true, false]);
    expect(numbers.map(number => stateOf(state, number))).toEqual(['healthy', 'ejected', 'healthy']);
    expect(numbers.map(number => inFlight.count(number, 0))).toEqual([1, 0, 0]);
    expect(numbers.map(number => numbersOf(state, number, 0)['priceMs'])).toEqual([30, 14, 14]);
  });

  test('AD-1: a new host has its turn like one that was just picked', () => {
    const state = stateWith(2);
    for (const number of [0, 1, 0, 1]) recordPick(state, number, 0);
    state.syncHosts(hostsUpTo(3));
    expect([0, 1, 2].map(number => state.slots.values[pickSlots(number) + PICKED_TURN])).toEqual([3, 4, 4]);
  });

  test('the random numbers of a module are decided by its seed, and stay as they are when the route changes', () => {
    const [one, same, other] = [0.5, 0.5, 0.6].map(random => stateWith(0, random));
    const stateOfDice = (state: ModuleState | undefined) => state?.slots.values[PRNG_STATE];
    expect(stateOfDice(one)).toBe(stateOfDice(same));
    expect(stateOfDice(one)).not.toBe(stateOfDice(other));
    one?.syncHosts(hostsUpTo(3));
    expect(stateOfDice(one)).toBe(stateOfDice(same));
  });
});
