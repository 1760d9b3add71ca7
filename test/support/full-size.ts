/** Numbers that are too large for each run of the suite: people ask for them with LARS_TEST_SIZE=full. */
export const IS_FULL = process.env['LARS_TEST_SIZE'] === 'full';

/** How many of something a test does: few in the suite. */
export function sized(usual: number, full: number): number {
  return IS_FULL ? full : usual;
}

/** The time limit of a test whose work is `sized`. */
export const SIZED_TIMEOUT_MS = sized(60_000, 600_000);
