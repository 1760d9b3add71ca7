// pure
import type { Accepted } from './worker-account.ts';

export interface WaitingQueueOptions {
  readonly maxConnections: number;
  /** Counted from when a connection was accepted. */
  readonly maxWaitMs: number;
}

/** Of these connections, those whose clients have left. @param forNewcomer the first one, and a guess will do */
export type FindGone = (connections: readonly Accepted[], forNewcomer: boolean) => readonly Accepted[];

/** So many are asked at once whether their clients are still there; where more wait, the others have their turn the next time. */
const SWEEP_MAX = 1_024;

/** Connections that no worker can take now, in the order in which they were accepted; bounded in number and time. */
export class WaitingQueue {
  readonly #options: WaitingQueueOptions;
  #connections: Accepted[] = [];
  #sweepAt = 0;
  /** In this turn those that have left were taken out; and there was none who may have left. */
  #isSwept = false;
  #hasNoGuess = false;

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

  /** Takes out of some those whose clients have left. */
  sweep(findGone: FindGone): readonly Accepted[] {
    if (this.#sweepAt >= this.#connections.length) this.#sweepAt = 0;
    const asked = this.#connections.slice(this.#sweepAt, this.#sweepAt + SWEEP_MAX);
    const gone = this.#takeGone(asked, findGone(asked, false));
    this.#sweepAt += asked.length - gone.length;
    return gone;
  }

  /** For a newcomer without room takes out whoever has left for certain, or else the one of those that have waited longest who may have: somebody has to go. */
  makeRoom(findGone: FindGone): readonly Accepted[] {
    if (!this.#isSwept) {
      this.#isSwept = true;
      const gone = this.sweep(findGone);
      if (gone.length > 0) return gone;
    }
    if (this.#hasNoGuess) return [];
    const asked = this.#connections.slice(0, SWEEP_MAX);
    const gone = this.#takeGone(asked, findGone(asked, true));
    this.#hasNoGuess = gone.length === 0;
    return gone;
  }

  /** Others may have left when the next newcomers come. */
  endTurn(): void {
    this.#isSwept = false;
    this.#hasNoGuess = false;
  }

  clear(): readonly Accepted[] {
    return this.#connections.splice(0);
  }

  #takeGone(asked: readonly Accepted[], found: readonly Accepted[]): readonly Accepted[] {
    const gone = new Set(found);
    if (gone.size > 0) this.#connections = this.#connections.filter(connection => !gone.has(connection));
    return asked.filter(connection => gone.has(connection));
  }
}
