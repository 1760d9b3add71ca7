// pure
import type { LogRecord } from '@lars/runtime/log';

/** What LARS said of itself that a spectator should see: a host changed sides, something went wrong. Keeps the last few. */
export class Decisions {
  readonly #max: number;
  #lines: readonly string[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** Oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  add({ level, event, fields }: LogRecord): void {
    const { host, cause, error } = fields;
    const changedSides = host !== undefined && cause !== undefined;
    if (level !== 'warn' && level !== 'error' && !changedSides) return;
    const details = [host, cause, error].filter(detail => detail !== undefined);
    this.#lines = [...this.#lines, [`LARS: ${event}`, ...details].join(' ')].slice(-this.#max);
  }
}
