// pure
/** So much at most goes in one message: who gets it should not be held up for long. */
const MAX_ITEMS = 1_000;

/** Collects what goes to another thread: a message of many items costs little more than one of a single item. */
export class MailBatch<Item> {
  readonly #post: (items: readonly Item[]) => void;
  #items: Item[] = [];

  constructor(post: (items: readonly Item[]) => void) {
    this.#post = post;
  }

  get isEmpty(): boolean {
    return this.#items.length === 0;
  }

  add(item: Item): void {
    this.#items.push(item);
    if (this.#items.length >= MAX_ITEMS) this.flush();
  }

  /** Whoever adds sees to it that this is called soon. */
  flush(): void {
    if (this.isEmpty) return;
    const items = this.#items;
    this.#items = [];
    this.#post(items);
  }
}
