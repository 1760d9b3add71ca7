// pure
/**
 * Modules of which one dnsserver told hosts, and another one, asked after a failover, says that there are none. The other may be behind, as a replica is
 * for a moment; so the module is kept until that has been said for a while.
 */
import type { GetRouteResponse, RouteKey } from '@lars/proto';

/** An answer of a module without hosts. */
export interface Removal {
  readonly response: GetRouteResponse;
  readonly body: Uint8Array;
}

interface Doubted extends Removal {
  /** Undefined until the first look. */
  sinceMs: number | undefined;
}

export class DoubtedRemovals {
  readonly #doubtMs: number;
  readonly #doubted = new Map<RouteKey, Doubted>();

  constructor(doubtMs: number) {
    this.#doubtMs = doubtMs;
  }

  has(key: RouteKey): boolean {
    return this.#doubted.has(key);
  }

  /** @param body is kept: it must not be changed afterwards */
  add(key: RouteKey, removal: Removal): void {
    if (!this.#doubted.has(key)) this.#doubted.set(key, { ...removal, sinceMs: undefined });
  }

  /** A server has told hosts of the module. */
  delete(key: RouteKey): void {
    this.#doubted.delete(key);
  }

  /** Another server is asked. */
  clear(): void {
    this.#doubted.clear();
  }

  /** Call now and then. @returns those that are believed now */
  takeBelieved(nowMs: number): Removal[] {
    const believed: Removal[] = [];
    for (const [key, doubted] of this.#doubted) {
      doubted.sinceMs ??= nowMs;
      if (nowMs - doubted.sinceMs < this.#doubtMs) continue;
      this.#doubted.delete(key);
      believed.push(doubted);
    }
    return believed;
  }
}
