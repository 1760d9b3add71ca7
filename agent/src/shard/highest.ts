// pure
/** Keeps the items with the highest scores; memory and time are those of twice as many, whatever is added. */
export class Highest<Item> {
  readonly #max: number;
  #scored: { readonly item: Item; readonly score: number }[] = [];
  #lowest = Number.NEGATIVE_INFINITY;

  constructor(max: number) {
    this.#max = max;
  }

  add(item: Item, score: number): void {
    if (score <= this.#lowest) return;
    this.#scored.push({ item, score });
    if (this.#scored.length >= 2 * this.#max) this.#cut();
  }

  /** The highest first; of equals, the one that came first. */
  get items(): Item[] {
    this.#cut();
    return this.#scored.map(({ item }) => item);
  }

  #cut(): void {
    this.#scored = this.#scored.sort((a, b) => b.score - a.score).slice(0, this.#max);
    if (this.#scored.length === this.#max) this.#lowest = this.#scored.at(-1)?.score ?? this.#lowest;
  }
}
