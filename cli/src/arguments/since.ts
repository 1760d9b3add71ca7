import { UsageError } from '../errors.ts';

const SPAN = /^([0-9]{1,6})(s|m|h|d)$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
const TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * A point in time: '90s', '30m', '1h' or '2d' ago, or a date with or without a time, which are local unless they say otherwise.
 * @param option whose value it is, for the error
 * @returns unix seconds
 * @throws {UsageError}
 */
export function parseTime(option: string, text: string, nowSec: number): number {
  const [, count, unit = ''] = SPAN.exec(text) ?? [];
  if (count !== undefined) return nowSec - Number(count) * (SECONDS[unit] ?? 0);
  // A date alone would be one of UTC.
  const dated = text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T');
  const ms = TIME.test(text) ? Date.parse(dated) : Number.NaN;
  if (Number.isNaN(ms))
    throw new UsageError(`${option} ${text}: expected a span like 30m, 1h or 2d, or a time like 2026-11-29T10:00`);
  return ms / 1_000;
}
