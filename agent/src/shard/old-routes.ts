// pure
import type { ActiveModule } from './module-table.ts';

/** Modules whose route the agent knew earlier, and dnsserver has not confirmed since. There are none but while dnsserver is away. */
export class OldRoutes {
  readonly #storedAtMs = new Map<ActiveModule, number>();
  /** Of the routes that are old, or were since the last time that none was. */
  #oldestMs = Number.POSITIVE_INFINITY;

  get count(): number {
    return this.#storedAtMs.size;
  }

  /** The module's route was confirmed at this time, unix ms, for the last time. */
  add(module: ActiveModule, storedAtMs: number): void {
    this.#storedAtMs.set(module, storedAtMs);
    this.#oldestMs = Math.min(this.#oldestMs, storedAtMs);
  }

  /** dnsserver has told the module's route, or that there is none. */
  remove(module: ActiveModule): void {
    if (this.#storedAtMs.delete(module) && this.#storedAtMs.size === 0) this.#oldestMs = Number.POSITIVE_INFINITY;
  }

  /** Undefined where the route is not old. */
  ageSeconds(module: ActiveModule, unixMs: number): number | undefined {
    const storedAtMs = this.#storedAtMs.get(module);
    return storedAtMs === undefined ? undefined : secondsBetween(storedAtMs, unixMs);
  }

  /** 0 while no route is old. */
  oldestAgeSeconds(unixMs: number): number {
    return this.#storedAtMs.size === 0 ? 0 : secondsBetween(this.#oldestMs, unixMs);
  }
}

/** At least 1, so that an age says that the route is old; a clock that was set back makes no age negative. */
function secondsBetween(earlierMs: number, laterMs: number): number {
  return Math.max(1, Math.round((laterMs - earlierMs) / 1_000));
}
