// pure
/** Which worker threads follow which modules: one bit per worker. */
import type { RouteKey } from '@lars/proto';

/** As many as a number has bits for, in bit operations. */
export const WORKERS_MAX = 31;

export class Followers {
  readonly #masks = new Map<RouteKey, number>();

  /** Modules that somebody follows. */
  get size(): number {
    return this.#masks.size;
  }

  has(key: RouteKey): boolean {
    return this.#masks.has(key);
  }

  follows(key: RouteKey, worker: number): boolean {
    return ((this.#masks.get(key) ?? 0) & (1 << worker)) !== 0;
  }

  add(key: RouteKey, worker: number): void {
    this.#masks.set(key, (this.#masks.get(key) ?? 0) | (1 << worker));
  }

  remove(key: RouteKey, worker: number): void {
    const rest = (this.#masks.get(key) ?? 0) & ~(1 << worker);
    if (rest === 0) this.#masks.delete(key);
    else this.#masks.set(key, rest);
  }

  /** The worker has died and follows nothing any more. */
  forget(worker: number): void {
    for (const key of this.#masks.keys()) this.remove(key, worker);
  }
}
