// pure
/**
 * Route queries that are sent, or will be when the link stands, and are not answered yet. Those for modules that exist, as far as the agent
 * knows, come first and are never given up. Anybody can ask for numbers that no module has, so those are bounded: the one that was asked for least
 * recently goes.
 */
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { RouteQuery } from '../threads/messages.ts';

export interface OpenQuery extends RouteQuery {
  /** When it was sent last; undefined while it was not. */
  sentMs: number | undefined;
}

export class OpenQueries {
  readonly #maxUnknown: number;
  readonly #isReal: (module: ModuleId) => boolean;
  readonly #onGivenUp: () => void;
  readonly #real = new Map<RouteKey, OpenQuery>();
  /** In the order in which they were asked for. */
  readonly #unknown = new Map<RouteKey, OpenQuery>();

  /** @param isReal whether the module exists, as far as is known */
  constructor(maxUnknown: number, isReal: (module: ModuleId) => boolean, onGivenUp: () => void) {
    this.#maxUnknown = maxUnknown;
    this.#isReal = isReal;
    this.#onGivenUp = onGivenUp;
  }

  get size(): number {
    return this.#real.size + this.#unknown.size;
  }

  get(key: RouteKey): OpenQuery | undefined {
    return this.#real.get(key) ?? this.#unknown.get(key);
  }

  /** First those of real modules, then the others. */
  *all(): Generator<OpenQuery> {
    yield* this.#real.values();
    yield* this.#unknown.values();
  }

  /** Opens a query, which replaces an open one of the same module. */
  open({ modid, cmdid, version }: RouteQuery): OpenQuery {
    const key = routeKey(modid, cmdid);
    const query = { modid, cmdid, version, sentMs: undefined };
    if (version > 0 || this.#real.has(key) || this.#isReal(query)) {
      this.#unknown.delete(key);
      this.#real.set(key, query);
      return query;
    }
    this.#unknown.delete(key);
    this.#unknown.set(key, query);
    if (this.#unknown.size > this.#maxUnknown) this.#giveUpOldest();
    return query;
  }

  /** The module of an open query was asked for again. */
  touch(key: RouteKey): void {
    const query = this.#unknown.get(key);
    if (query === undefined) return;
    this.#unknown.delete(key);
    this.#unknown.set(key, query);
  }

  delete(key: RouteKey): void {
    this.#real.delete(key);
    this.#unknown.delete(key);
  }

  #giveUpOldest(): void {
    for (const oldest of this.#unknown.keys()) {
      this.#unknown.delete(oldest);
      this.#onGivenUp();
      return;
    }
  }
}
