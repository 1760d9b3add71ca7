// pure
/** Results of operations that came before anybody could be told of them: token, result and flags of each, in order. */
export class EarlyResults {
  #all: number[] = [];

  get isEmpty(): boolean {
    return this.#all.length === 0;
  }

  push(token: number, result: number, flags: number): void {
    this.#all.push(token, result, flags);
  }

  /** Takes the first result of one operation. @returns whether there was one */
  takeOf(token: number, take: (result: number, flags: number) => void): boolean {
    for (let at = 0; at < this.#all.length; at += 3) {
      if (this.#all[at] !== token) continue;
      const [, result = 0, flags = 0] = this.#all.splice(at, 3);
      take(result, flags);
      return true;
    }
    return false;
  }

  /** Takes all, until `take` says that it has no room. Those that come meanwhile stay. */
  takeAll(take: (token: number, result: number, flags: number) => boolean): void {
    const all = this.#all;
    this.#all = [];
    let at = 0;
    while (at < all.length && take(all[at] as number, all[at + 1] as number, all[at + 2] as number)) at += 3;
    this.#all = [...all.slice(at), ...this.#all];
  }
}
