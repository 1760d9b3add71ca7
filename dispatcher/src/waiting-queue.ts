// pure
import type { Accepted } from './worker-account.ts';

export interface WaitingQueueOptions {
  readonly maxConnections: number;
  /** Counted from when a connection was accepted. */
  readonly maxWaitMs: number;
}

/** Connections that no worker can take now, in the order in which they were accepted; bounded in number and time. */
export class WaitingQueue {
  readonly #options: WaitingQueueOptions;
  #connections: Accepted[] = [];

  constructor(options: WaitingQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#connections.length;
  }

  /** @returns false when there is no room */
  add(connection: Accepted): boolean {
    if (this.#connections.length >= this.#options.maxConnections) return false;
    this.#connections.push(connection);
    return true;
  }

  /** Those that a worker was sent and did not take come before the others. They are no more than workers may have been sent, and not refused. */
  putBack(connections: readonly Accepted[]): void {
    this.#connections = [...connections, ...this.#connections].sort((a, b) => a.acceptedMs - b.acceptedMs);
  }

  next(): Accepted | undefined {
    return this.#connections.shift();
  }

  /** Takes out those that have waited too long. */
  expired(nowMs: number): readonly Accepted[] {
    const isLate = (connection: Accepted) => nowMs - connection.acceptedMs >= this.#options.maxWaitMs;
    const first = this.#connections.findIndex(connection => !isLate(connection));
    return this.#connections.splice(0, first === -1 ? this.#connections.length : first);
  }

  clear(): readonly Accepted[] {
    return this.#connections.splice(0);
  }
}
