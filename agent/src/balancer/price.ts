// pure
/** AD-2, AD-3: what a call costs on a host, from the slots that a pick reads. Called for each host that a pick looks at. */
import { PICKED_TURN, PRICED_MS, REPORTED_AT_MS, TURN, TYPICAL_MS } from './slots.ts';

/** AD-3: no host is cheaper than this part of typical: what lies below may be chance, and would draw all calls to one host. */
const FLOOR = 0.7;
/** AD-2: durations are told in whole milliseconds, and what lies below is noise. */
export const PRICE_MIN_MS = 1;
/** AD-3: bad news of a host fades in this time without a report, ... */
export const FADE_MS = 30_000;
/** ... and up to so many times typical, where it may be chance and costs little to check, ... */
const MILD_FACTOR = 3;
/** ... in the time of so many of its fair shares of the picks. */
export const FADE_SHARES = 15;

/** How much of the bad news about a host has faded since its last report, 0..1. An answer that comes then leaves it faded. */
export function fadedShare(cells: readonly number[], brief: number, nowMs: number): number {
  return Math.min(1, Math.max(0, nowMs - (cells[brief + REPORTED_AT_MS] as number)) * (1 / FADE_MS));
}

/**
 * The price while no other call is in flight, errors included; at least 1 ms.
 * @param brief offset of what a pick reads of the host
 * @param isRough AD-4, AD-5: the price is typical, or three times typical where a host is clearly slow
 * @param turnsToFade so many turns of others fade mild news
 */
export function priceMs(cells: readonly number[], brief: number, isRough: boolean, turnsToFade: number, nowMs: number): number {
  const typicalMs = cells[TYPICAL_MS] as number;
  const floorMs = FLOOR * typicalMs;
  const mildMs = MILD_FACTOR * typicalMs;
  let price = cells[brief + PRICED_MS] as number;
  if (price === 0) price = typicalMs;
  if (price > floorMs) {
    let faded = (nowMs - (cells[brief + REPORTED_AT_MS] as number)) * (1 / FADE_MS);
    if (price <= mildMs)
      faded = Math.max(faded, ((cells[TURN] as number) - (cells[brief + PICKED_TURN] as number)) / turnsToFade);
    price -= (price - floorMs) * Math.min(1, faded);
  } else price = floorMs;
  if (isRough) price = price <= mildMs ? typicalMs : mildMs;
  return Math.max(PRICE_MIN_MS, price);
}
