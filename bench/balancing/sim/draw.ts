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

  /** Between two numbers above 0, equal ratios equally likely: as often from 1 to 10 as from 10 to 100. */
  ratio(from: number, to: number): number {
    return Math.exp(this.between(Math.log(from), Math.log(to)));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  one<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.index(choices.length)] as T;
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
