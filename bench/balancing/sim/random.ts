// pure
/** Uniform in [0, 1), 32 bits of it. */
export type Random = () => number;

/**
 * A stream of random numbers: xoshiro128** (Blackman and Vigna), its state filled by SplitMix32. Equal seed and name give equal
 * numbers; streams of different names are independent of each other, so that an algorithm that asks for more random numbers than
 * another does not change the calls that both must serve.
 */
export function randomStream(seed: number, name: string): Random {
  const fill = splitMix32(hash(`${seed}/${name}`));
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill() | 1;
  return () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const carried = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= carried;
    d = rotate(d, 11);
    return (result >>> 0) / 2 ** 32;
  };
}

function rotate(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}

function splitMix32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e37_79b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
    return z ^ (z >>> 16);
  };
}

/** FNV-1a. */
function hash(text: string): number {
  let h = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193);
  return h;
}
