// pure
/** What a weight and a zone may be, for rows that are written and for rows that are found. */
export const MAX_WEIGHT = 1_000_000;
export const MAX_ZONE_LENGTH = 64;

/** 0 is the default weight. */
export function isWeight(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_WEIGHT;
}

/** One short line of text without space around it; empty where no zone is told. */
export function isZone(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= MAX_ZONE_LENGTH &&
    value === value.trim() &&
    value.isWellFormed() &&
    !/\p{Cc}/u.test(value)
  );
}
