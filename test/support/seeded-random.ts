/** Mulberry32, uniform in [0, 1): the same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const EVERY_RUN = 20_260;

/**
 * The seed of every test that rolls dice, which prints it when it fails: the same in every run, so that a red test is red again.
 * LARS_TEST_SEED names another, or is `fresh` for one that nobody has seen.
 */
export function testSeed(): number {
  const asked = process.env['LARS_TEST_SEED'] ?? '';
  if (asked === '') return EVERY_RUN;
  if (asked === 'fresh') return Math.floor(Math.random() * 2 ** 31) + 1;
  const seed = Number(asked);
  if (!Number.isInteger(seed) || seed < 1) throw new Error(`LARS_TEST_SEED is neither a number from 1 nor "fresh": ${asked}`);
  return seed;
}
