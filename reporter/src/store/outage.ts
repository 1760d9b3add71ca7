import { messageOf } from '@lars/runtime/errors';
import type { Logger } from '@lars/runtime/log';

export interface OutageOptions {
  /** What is not possible while it lasts: 'storing reports'. */
  readonly what: string;
  readonly log: Logger;
  /** Called for every failure, with its text. */
  readonly onFailed: (error: string) => void;
}

/** Whether one use of the store works. The end and the return of it are logged once each, not per attempt. */
export class Outage {
  readonly #options: OutageOptions;
  #failures = 0;
  #lastError = '';

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** What does not work and why, in words; undefined when it works. */
  get reason(): string | undefined {
    return this.#failures === 0 ? undefined : `${this.#options.what} fails: ${this.#lastError}`;
  }

  failed(cause: unknown): void {
    const { what, log, onFailed } = this.#options;
    const error = messageOf(cause);
    this.#lastError = error;
    this.#failures += 1;
    if (this.#failures === 1) log.error(`${what} fails, trying again until it works`, { error });
    onFailed(error);
  }

  worked(): void {
    if (this.#failures === 0) return;
    const { what, log } = this.#options;
    log.info(`${what} works again`, { failures: this.#failures });
    this.#failures = 0;
  }
}
