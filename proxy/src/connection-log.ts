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

  /** Whether there is room for another line in this second; a connection that finds none is counted. */
  hasRoom(): boolean {
    const second = Math.floor(this.#deps.nowMs() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines < this.#linesPerSecond) return true;
    this.#deps.onUnlogged();
    return false;
  }

  /** To be called where there is room. */
  write(event: string, fields: LogFields): void {
    this.#lines += 1;
    this.#deps.log.info(event, fields);
  }
}
