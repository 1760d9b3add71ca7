// pure
import type { Candidate, Policy } from './policy.ts';

/** A host with the usual weight of 100 stands so often on the ring. */
const POINTS_PER_WEIGHT = 1;
const MAX_POINTS = 1_000;
/** No host has more than this times its share of the connections, rounded up. */
const BOUND = 1.25;

interface Point<C> {
  readonly at: number;
  readonly candidate: C;
}

/**
 * Consistent hashing with bounded loads: hosts stand on a ring, each as often as its weight says, and a client goes to the first one behind its own
 * place that has not much more than its share of the connections. When hosts come or go, most clients stay where they were.
 */
export class ConsistentHash implements Policy {
  #all: readonly Candidate[] = [];
  #ring: readonly Point<Candidate>[] = [];

  choose<C extends Candidate>(all: readonly C[], mayPick: (candidate: C) => boolean, key: string): C | undefined {
    if (all !== this.#all) {
      this.#all = all;
      this.#ring = ringOf(all);
    }
    const ring = this.#ring as readonly Point<C>[];
    const mayPickNow = new Set(all.filter(mayPick));
    if (mayPickNow.size === 0) return undefined;
    let connections = 1;
    let weights = 0;
    for (const { state, weight } of mayPickNow) {
      connections += state.connections;
      weights += weight;
    }
    const start = firstBehind(ring, hash(key));
    for (let step = 0; step < ring.length; step++) {
      const { candidate } = ring[(start + step) % ring.length] as Point<C>;
      if (!mayPickNow.has(candidate)) continue;
      const bound = Math.ceil((BOUND * connections * candidate.weight) / weights);
      if (candidate.state.connections < bound) return candidate;
    }
    return undefined;
  }
}

function ringOf<C extends Candidate>(all: readonly C[]): readonly Point<C>[] {
  return all
    .flatMap(candidate => {
      const count = Math.min(MAX_POINTS, Math.max(1, Math.round(candidate.weight * POINTS_PER_WEIGHT)));
      return Array.from({ length: count }, (_, number) => ({ at: hash(`${candidate.state.authority}#${number}`), candidate }));
    })
    .sort((a, b) => a.at - b.at);
}

/** The first point at or behind a place; binary search. */
function firstBehind(ring: readonly Point<unknown>[], place: number): number {
  let [low, high] = [0, ring.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ring[middle] as Point<unknown>).at < place) low = middle + 1;
    else high = middle;
  }
  return low % ring.length;
}

/** FNV-1a, mixed once more so that texts that differ at their end alone are far apart. @returns 32 bits, unsigned */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
