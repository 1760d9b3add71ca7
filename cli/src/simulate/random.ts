// pure
/**
 * Uniform numbers in [0, 1) that a seed and a name decide: every host draws its own, so that which of its calls fail does
 * not depend on the order in which answers come.
 */
export function seededRandom(seed: number, name: string): () => number {
  let state = hash(`${seed}/${name}`);
  // Mulberry32: 32 bits of state, good enough to fail calls with.
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}
