// pure
/** AD-9 (ejection): what a host is compared with. */
import type { HostPool } from '../host-pool.ts';

/** Of larger modules, about this many hosts are compared with. */
const SAMPLE_SIZE = 32;

/** The other hosts of the pool; of a large pool an even sample. */
export function sampleOthers(pool: HostPool, self: number, random: () => number): number[] {
  const stride = Math.max(1, pool.length / SAMPLE_SIZE);
  const others: number[] = [];
  for (let at = stride > 1 ? random() * stride : 0; at < pool.length; at += stride) {
    const host = pool[Math.floor(at)] as number;
    if (host !== self) others.push(host);
  }
  return others;
}

/** Infinity where there is nothing. */
export function lowerQuartile(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 2] ?? Number.POSITIVE_INFINITY;
}
