// pure
import type { Accepted } from './worker-account.ts';

export interface WaitingQueueOptions {
  readonly maxConnections: number;
  /** Counted from when a connection was accepted. */
  readonly maxWaitMs: number;
}

/** So many are asked at once whether their clients are still there; where more wait, the others have their turn the next time. */
const SWEEP_MAX = 1_024;

/** Connections that no worker can take now, in the order in which they were accepted; bounded in number and time. */
export class WaitingQueue {
  readonly #options: WaitingQueueOptions;
  #connections: Accepted[] = [];
  #sweepAt = 0;

  constructor(options: WaitingQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#connections.length;
  }

  get isFull(): boolean {
    return this.#connections.length >= this.#options.maxConnections;
  }

  /** The one that has waited longest. */
  get first(): Accepted | undefined {
    return this.#connections[0];
  }

  removeFirst(): void {
    this.#connections.shift();
  }

  /** @returns false when there is no room */
  add(connection: Accepted): boolean {
    if (this.isFull) return false;
    this.#connections.push(connection);
    return true;
  }

  /** Those that a worker was sent and did not take come before the others. They are no more than workers may have been sent, and not refused. */
  putBack(connections: readonly Accepted[]): void {
    if (connections.length > 0)
      this.#connections = [...connections, ...this.#connections].sort((a, b) => a.acceptedMs - b.acceptedMs);
  }

  /** Takes out those that have waited too long. */
  expired(nowMs: number): readonly Accepted[] {
    const isLate = (connection: Accepted) => nowMs - connection.acceptedMs >= this.#options.maxWaitMs;
    const first = this.#connections.findIndex(connection => !isLate(connection));
    return this.#connections.splice(0, first === -1 ? this.#connections.length : first);
  }

  /** Asks of some whether their clients have left, and takes those out. @param findGone returns those of them that are gone */
  sweep(findGone: (connections: readonly Accepted[]) => readonly Accepted[]): readonly Accepted[] {
    if (this.#sweepAt >= this.#connections.length) this.#sweepAt = 0;
    const asked = this.#connections.slice(this.#sweepAt, this.#sweepAt + SWEEP_MAX);
    const gone = asked.length === 0 ? [] : findGone(asked);
    this.#sweepAt += asked.length - gone.length;
    if (gone.length > 0) {
      const set = new Set(gone);
      this.#connections = this.#connections.filter(connection => !set.has(connection));
    }
    return gone;
  }

  clear(): readonly Accepted[] {
    return this.#connections.splice(0);
  }
}
