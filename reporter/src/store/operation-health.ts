import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';

export interface OperationHealthDeps {
  /** The operation: 'storing reports'. */
  readonly what: string;
  readonly log: Logger;
  /** Called for every failure, with its text. */
  readonly onFailed: (error: string) => void;
}

/** Whether one operation of the store works. Its failure and its recovery are logged once each, not per attempt. */
export class OperationHealth {
  readonly #deps: OperationHealthDeps;
  #failures = 0;
  #lastError = '';

  constructor(deps: OperationHealthDeps) {
    this.#deps = deps;
  }

  /** Which operation fails and why, in words; undefined when it works. */
  get failure(): string | undefined {
    return this.#failures === 0 ? undefined : `${this.#deps.what} fails: ${this.#lastError}`;
  }

  failed(cause: unknown): void {
    const { what, log, onFailed } = this.#deps;
    const error = messageOf(cause);
    this.#lastError = error;
    this.#failures += 1;
    if (this.#failures === 1) log.error(`${what} fails, retrying until it works`, { error });
    onFailed(error);
  }

  succeeded(): void {
    if (this.#failures === 0) return;
    const { what, log } = this.#deps;
    log.info(`${what} works again`, { failures: this.#failures });
    this.#failures = 0;
  }
}
