import { closeLeft, type Descriptors, type Engine, ResourceLedger } from '@lars/reactor';
import type { ListeningDescriptor, ListeningSockets } from '../listen/listening-sockets.ts';

export interface SocketSharesDeps {
  readonly sockets: ListeningSockets;
  readonly engine: Engine;
  readonly descriptors: Descriptors;
}

/** Which thread accepts from which of the process's sockets: its own, and those of a thread that is dead. */
export class SocketShares {
  readonly #deps: SocketSharesDeps;
  /** For each thread its descriptors, by socket. */
  readonly #given: readonly Map<number, number>[];
  readonly #ledgers: readonly ResourceLedger[];

  /** @param threads how many there are */
  constructor(threads: number, deps: SocketSharesDeps) {
    this.#deps = deps;
    this.#given = Array.from({ length: threads }, () => new Map());
    this.#ledgers = this.#given.map(() => new ResourceLedger());
  }

  /**
   * Makes descriptors for what the living threads do not accept from yet: each its share, and the shares of the others, each to whom has the fewest.
   * @returns what is to be sent to the threads
   */
  reassign(
    living: readonly number[],
  ): readonly { readonly thread: number; readonly descriptors: readonly ListeningDescriptor[] }[] {
    const { sockets } = this.#deps;
    const added = new Map<number, ListeningDescriptor[]>(living.map(thread => [thread, []]));
    const give = (thread: number, socket: number): void => {
      const copy = sockets.copy(socket);
      this.#given[thread]?.set(socket, copy.fd);
      added.get(thread)?.push(copy);
    };
    for (const thread of living)
      for (const socket of sockets.shareOf(thread)) if (!this.#given[thread]?.has(socket)) give(thread, socket);
    for (const socket of this.#sharesOfOthers(living)) {
      if (living.some(thread => this.#given[thread]?.has(socket))) continue;
      const [fewest] = living.toSorted((a, b) => this.#countOf(a) - this.#countOf(b));
      if (fewest !== undefined) give(fewest, socket);
    }
    return Array.from(added, ([thread, descriptors]) => ({ thread, descriptors })).filter(
      ({ descriptors }) => descriptors.length > 0,
    );
  }

  /** The threads that accept from it. */
  threadsOf(socket: number): readonly number[] {
    return Array.from(this.#given.keys()).filter(thread => this.#given[thread]?.has(socket));
  }

  /** What living threads accept from for others that live again. */
  surplus(living: readonly number[]): readonly { readonly thread: number; readonly sockets: readonly number[] }[] {
    const missing = new Set(this.#sharesOfOthers(living));
    return living
      .map(thread => {
        const own = this.#deps.sockets.shareOf(thread);
        const sockets = Array.from(this.#given[thread]?.keys() ?? []).filter(
          socket => !own.includes(socket) && !missing.has(socket),
        );
        return { thread, sockets };
      })
      .filter(({ sockets }) => sockets.length > 0);
  }

  /** @param fds what the thread has given back */
  takeBack(thread: number, sockets: readonly number[], fds: readonly number[]): void {
    for (const socket of sockets) this.#given[thread]?.delete(socket);
    this.#deps.sockets.closeCopies(fds);
  }

  /** Where a thread says what its engine has. */
  ledgerOf(thread: number): ResourceLedger {
    return this.#ledgers[thread] as ResourceLedger;
  }

  /** Closes what a dead thread had open, so that its clients do not wait for it. @returns how many connections those were, to clients and hosts */
  bury(thread: number): number {
    const ledger = this.ledgerOf(thread);
    const listening = Array.from(this.#given[thread]?.values() ?? []);
    // It may have died before it knew of some.
    for (const fd of listening) ledger.onGone(fd);
    const connections = closeLeft(ledger, this.#deps);
    this.#deps.sockets.closeCopies(listening);
    this.#given[thread]?.clear();
    return connections;
  }

  #sharesOfOthers(living: readonly number[]): readonly number[] {
    return this.#given.flatMap((_, thread) => (living.includes(thread) ? [] : this.#deps.sockets.shareOf(thread)));
  }

  #countOf(thread: number): number {
    return this.#given[thread]?.size ?? 0;
  }
}
