// pure
import type { Random } from './random.ts';

/** Chance for those who make up scenarios: which host, and when. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  between(from: number, to: number): number {
    return from + (to - from) * this.#random();
  }

  /** One of 0..count-1. */
  index(count: number): number {
    return Math.floor(this.#random() * count);
  }

  /** 0..count-1 in any order (Fisher and Yates). */
  order(count: number): number[] {
    const order = Array.from({ length: count }, (_, index) => index);
    for (let left = count; left > 1; left--) {
      const chosen = this.index(left);
      const last = order[left - 1] as number;
      order[left - 1] = order[chosen] as number;
      order[chosen] = last;
    }
    return order;
  }

  /** `size` of 0..count-1. */
  some(size: number, count: number): number[] {
    return this.order(count).slice(0, size);
  }
}
