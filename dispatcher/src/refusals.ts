// pure
import type { Logger } from '@lars/runtime/log';

/** Refusals are logged when they begin, and when there was none for so long. */
const QUIET_MS = 10_000;

/** Connections that nobody could take: told of when that begins and when it is over. */
export class Refusals {
  readonly #log: Logger;
  #count = 0;
  #lastMs = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  get isGoingOn(): boolean {
    return this.#count > 0;
  }

  add(nowMs: number, fields: Readonly<Record<string, number>>): void {
    if (this.#count === 0) this.#log.warn('connections are refused, because no worker takes them', fields);
    this.#count += 1;
    this.#lastMs = nowMs;
  }

  tick(nowMs: number): void {
    if (this.#count === 0 || nowMs - this.#lastMs < QUIET_MS) return;
    this.#log.info('no connection was refused for a while', { refused: this.#count });
    this.#count = 0;
  }
}
