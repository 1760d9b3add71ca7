// pure
import type { LogFields, Logger } from '@lars/runtime/log';

export interface ConnectionLogOptions {
  readonly linesPerSecond: number;
}

export interface ConnectionLogDeps {
  readonly log: Pick<Logger, 'info'>;
  /** Monotonic. */
  readonly nowMs: () => number;
  readonly onUnlogged: () => void;
}

/** A line for each connection that has ended, of the first so many in each second. */
export class ConnectionLog {
  readonly #linesPerSecond: number;
  readonly #deps: ConnectionLogDeps;
  #second = -1;
  #lines = 0;

  constructor({ linesPerSecond }: ConnectionLogOptions, deps: ConnectionLogDeps) {
    this.#linesPerSecond = linesPerSecond;
    this.#deps = deps;
  }

  /** @param fields is called only where the line is written */
  write(event: string, fields: () => LogFields): void {
    const second = Math.floor(this.#deps.nowMs() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines >= this.#linesPerSecond) {
      this.#deps.onUnlogged();
      return;
    }
    this.#lines += 1;
    this.#deps.log.info(event, fields());
  }
}
