import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { HealthServer } from './health-server.ts';

export interface AfterPredecessorDeps {
  readonly log: Logger;
  /** Tries to open the port. */
  readonly start: () => Promise<HealthServer>;
  readonly wait: (ms: number) => Promise<void>;
}

export interface AfterPredecessorOptions {
  readonly ip: string;
  readonly port: number;
  /** The option or conf key of the port. */
  readonly confKey: string;
}

/** A port that the process before may have still is tried so often, so long apart, before the start goes on without. */
const FIRST_TRIES = 50;
const FIRST_WAIT_MS = 20;
/** And so long apart afterwards. */
const LATER_WAIT_MS = 1_000;

/** The HTTP port of a process that takes over, or comes after one that still ends: it serves already, so that an error does not end it, and is tried until the process before has closed it, however late it does. */
export class HttpAfterPredecessor implements HealthServer {
  readonly ip: string;
  readonly #options: AfterPredecessorOptions;
  readonly #deps: AfterPredecessorDeps;
  #server: HealthServer | undefined;
  #isClosed = false;

  private constructor(options: AfterPredecessorOptions, deps: AfterPredecessorDeps) {
    this.ip = options.ip;
    this.#options = options;
    this.#deps = deps;
  }

  /** Resolves when it is served, or will be later. */
  static async open(options: AfterPredecessorOptions, deps: AfterPredecessorDeps): Promise<HttpAfterPredecessor> {
    const http = new HttpAfterPredecessor(options, deps);
    for (let attempt = 1; !(await http.#isServed(attempt === FIRST_TRIES)); attempt++) {
      if (attempt === FIRST_TRIES) {
        void http.#tryOn();
        break;
      }
      await deps.wait(FIRST_WAIT_MS);
    }
    return http;
  }

  get port(): number {
    return this.#server?.port ?? this.#options.port;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#server?.close();
  }

  async #tryOn(): Promise<void> {
    while (!this.#isClosed) {
      await this.#deps.wait(LATER_WAIT_MS);
      if (this.#isClosed || !(await this.#isServed(false))) continue;
      // It was closed while the port was being opened.
      if (this.#isClosed) await this.#server?.close();
      else this.#deps.log.info(`${this.#options.confKey} is served now`, { http: this.port });
      return;
    }
  }

  /** @param isTold whether the log has why it is not */
  async #isServed(isTold: boolean): Promise<boolean> {
    try {
      this.#server = await this.#deps.start();
      return true;
    } catch (error) {
      if (isTold)
        this.#deps.log.error(`${this.#options.confKey} is not served yet, and tried again each second`, {
          error: messageOf(error),
        });
      return false;
    }
  }
}
