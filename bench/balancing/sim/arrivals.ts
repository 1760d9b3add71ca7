// pure
import type { Random } from './random.ts';
import type { RateStep } from './scenario.ts';

/**
 * The moment of the next arrival of a Poisson process whose rate changes in steps; Infinity when none comes any more. A gap
 * that reaches over a step is cut there and drawn again: the process has no memory.
 */
export function nextArrivalMs(afterMs: number, rate: number | readonly RateStep[], random: Random): number {
  const steps = typeof rate === 'number' ? [{ fromMs: 0, ratePerSec: rate }] : rate;
  let fromMs = afterMs;
  for (let index = 0; index < steps.length; index++) {
    const untilMs = steps[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
    const ratePerSec = (steps[index] as RateStep).ratePerSec;
    if (fromMs >= untilMs) continue;
    if (ratePerSec > 0) {
      const atMs = fromMs - (Math.log(1 - random()) * 1_000) / ratePerSec;
      if (atMs < untilMs) return atMs;
    }
    fromMs = untilMs;
  }
  return Number.POSITIVE_INFINITY;
}
