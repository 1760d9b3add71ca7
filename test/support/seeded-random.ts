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

/** A new seed, for a test that prints it when it fails; LARS_TEST_SEED repeats a run. */
export function freshSeed(): number {
  const given = Number(process.env['LARS_TEST_SEED'] ?? '');
  return given > 0 ? given : Math.floor(Math.random() * 2 ** 31) + 1;
}
