// pure
/** AD-2 (price), AD-3 (price): what a call costs on a host, from the slots that a pick reads, and how a report changes it. */
import { FADED_SHARE, PRICE_MIN_MS, priceWithErrors } from '@lars/proto/pricing';
import type { HostSlots } from '../host-slots.ts';
import type { ErrorEvidence } from './error-evidence.ts';
import { CHEAP_PRICE, DURATION, ERROR_RATE, PRICED_MS, pickSlots, REPORTED_AT_MS, TYPICAL_MS } from './slots.ts';

/** What speaks against a host fades in this time without a report, ... */
export const FADE_MS = 30_000;
/** ... and up to this many times typical, where it may be chance and costs little to check, ... */
const MILD_FACTOR = 3;
/** ... in the time of so many of its fair shares of the picks. */
const FADE_SHARES = 15;
/** An error costs where the host errs by more than this, and this part of normal, above normal: less may be chance in 32 reports. */
const ERROR_NOISE = 0.05;
const ERROR_NOISE_SHARE = 0.3;

/** The mean of the last ten durations of a host hardly reaches this many times that of its siblings by chance, ... */
const PRICE_OUTLIER_FACTOR = 4;
/** ... and so much more than that: a hiccup of a few milliseconds is many times what a fast service takes. */
const OUTLIER_MARGIN_MS = 5;
/** How fast the cheap price follows a price below it, and one above it. So unequal that it stays near the cheapest quarter of the hosts. */
const CHEAP_STEP_DOWN = 0.05;
const CHEAP_STEP_UP = 0.005;

/**
 * The price while no other call is in flight, errors included; at least 1 ms. Called for each host that a pick looks at.
 * @param pick where the slots begin that a pick reads of the host
 * @param typicalMs of the module
 * @param isRough AD-4 (calls in flight), AD-5 (told durations): the price is typical, or three times typical where a host is clearly slow
 * @param shares fair shares of the picks since the last pick of the host
 */
export function priceMs(
  values: readonly number[],
  pick: number,
  typicalMs: number,
  isRough: boolean,
  shares: number,
  nowMs: number,
): number {
  const floorMs = FADED_SHARE * typicalMs;
  const mildMs = MILD_FACTOR * typicalMs;
  let price = values[pick + PRICED_MS] as number;
  if (price === 0) price = typicalMs;
  if (price > floorMs) {
    let faded = (nowMs - (values[pick + REPORTED_AT_MS] as number)) * (1 / FADE_MS);
    if (price <= mildMs && shares * (1 / FADE_SHARES) > faded) faded = shares * (1 / FADE_SHARES);
    price = faded >= 1 ? floorMs : price - (price - floorMs) * faded;
  } else price = floorMs;
  if (isRough) price = price <= mildMs ? typicalMs : mildMs;
  return Math.max(price, PRICE_MIN_MS);
}

/** How much of what speaks against a host has faded since its last report, 0..1. */
export function fadedShare(values: readonly number[], host: number, nowMs: number): number {
  return Math.min(1, Math.max(0, nowMs - (values[pickSlots(host) + REPORTED_AT_MS] as number)) * (1 / FADE_MS));
}

/** The price as it stood after the last report, before it faded; at least 1 ms. */
export function reportedPriceMs(values: readonly number[], host: number): number {
  return Math.max(PRICE_MIN_MS, values[pickSlots(host) + PRICED_MS] as number);
}

/** After a report: the host's duration and error rate as they are now. */
export function setPrice({ values }: HostSlots, host: number, row: number, evidence: ErrorEvidence, nowMs: number): void {
  const pick = pickSlots(host);
  const excess = (values[row + ERROR_RATE] as number) - evidence.normalRate * (1 + ERROR_NOISE_SHARE) - ERROR_NOISE;
  // A host that has never answered is taken for a typical one, or its errors would cost nothing.
  const knownMs = values[row + DURATION] as number;
  const durationMs = knownMs === 0 && excess > 0 ? (values[TYPICAL_MS] as number) : knownMs;
  values[pick + PRICED_MS] = excess > 0 ? priceWithErrors(durationMs, excess) : durationMs;
  values[pick + REPORTED_AT_MS] = nowMs;
}

/**
 * AD-21 (copies): learns what the module's cheap hosts cost, from a host that has just been reported on.
 * @returns whether the host costs clearly more than they do, so that it should get clearly less than its share
 */
export function updateCheapPrice(cells: number[], host: number): boolean {
  const price = reportedPriceMs(cells, host);
  const known = cells[CHEAP_PRICE] as number;
  const cheap = known === 0 ? price : known + (price - known) * (price < known ? CHEAP_STEP_DOWN : CHEAP_STEP_UP);
  cells[CHEAP_PRICE] = cheap;
  return price > PRICE_OUTLIER_FACTOR * cheap + OUTLIER_MARGIN_MS;
}
