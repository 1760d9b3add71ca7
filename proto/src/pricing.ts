// pure
/**
 * What a call on a host is expected to cost: the part that the agent's adaptive algorithm and the client's cache share. The client picks
 * while the agent has nothing to decide, so that both must mean the same by a price (docs/load-balancing.md: AD-2 (price), AD-3 (expected
 * duration), AD-4 (calls in flight), AD-20 (weights)).
 */

/** AD-2 (price): durations are told in whole milliseconds, and what lies below is noise. */
export const PRICE_MIN_MS = 1;
/** AD-3 (expected duration): a price fades down to this part of the module's typical duration, and no further. */
export const FADED_SHARE = 0.7;
/** AD-3 (expected duration): part of a host's error rate that one more report replaces, so that about the last 32 count. */
export const ERROR_STEP = 1 / 32;
/** AD-3 (expected duration): an error costs as much as this many calls. */
const ERROR_SURCHARGE = 20;
/** AD-4 (calls in flight): without a report a call is given up after this many times the slowest duration, ... */
const GIVE_UP_FACTOR = 2;
/** ... but not before this: a host that swallows calls must not look free before the first timeout. */
const GIVE_UP_MIN_MS = 5_000;
/**
 * AD-20 (weights): a host's share of the picks over its weight's share counts as this at least and at most, so that a host that is new,
 * or was away, gets no flood of calls.
 */
const PICK_RATIO_MIN = 0.5;
const PICK_RATIO_MAX = 4;

/**
 * What one more call is expected to cost while no other is in flight, errors included.
 * @param excessErrorRate by how much the host errs more than is normal in its module; 0 or less costs nothing
 */
export function priceWithErrors(durationMs: number, excessErrorRate: number): number {
  return excessErrorRate > 0 ? durationMs * (1 + ERROR_SURCHARGE * excessErrorRate) : durationMs;
}

/**
 * AD-20 (weights): what one more call costs where hosts have different weights. A call in flight costs less on a host with more weight, and
 * so does a call on a host that got less than its share.
 * @param priceMs the price while no call is in flight
 * @param meanWeight of the module's hosts
 * @param pickRatio the host's share of the recent picks over its weight's share of all weights
 */
export function weightedPrice(priceMs: number, inFlight: number, weight: number, meanWeight: number, pickRatio: number): number {
  const ratio = Math.max(PICK_RATIO_MIN, Math.min(PICK_RATIO_MAX, pickRatio));
  return priceMs * (1 + (inFlight * meanWeight) / weight) * Math.sqrt(ratio);
}

/** AD-4 (calls in flight): a call without a report is given up after this time. */
export function giveUpAfterMs(slowestMs: number): number {
  return Math.max(GIVE_UP_MIN_MS, GIVE_UP_FACTOR * slowestMs);
}
