// pure
import { ProtocolError } from '@lars/reactor/number-frames';
import type { SharedCounters } from '@lars/runtime/counters';
import type { DispatcherCounter } from './counters.ts';
import type { Accepted } from './worker-account.ts';
import type { WorkerSession } from './worker-session.ts';

export interface StatusReaderDeps {
  readonly counters: SharedCounters<DispatcherCounter>;
  /** Closes the dispatcher's descriptor of a connection that a worker has taken. */
  readonly onTaken: (connection: Accepted) => void;
}

/** Reads what workers have taken, and lets go of it. */
export class StatusReader {
  readonly #deps: StatusReaderDeps;

  constructor(deps: StatusReaderDeps) {
    this.#deps = deps;
  }

  /** @returns what is wrong with what a worker has written, if something is */
  read({ account, status }: WorkerSession): ProtocolError | undefined {
    if (account === undefined || status === undefined || status.isUnchanged) return undefined;
    try {
      const taken = account.onView(status);
      if (taken.length === 0) return undefined;
      this.onTaken(taken);
      status.release(taken.length);
      return undefined;
    } catch (error) {
      if (error instanceof ProtocolError) return error;
      throw error;
    }
  }

  onTaken(connections: readonly Accepted[]): void {
    const { counters, onTaken } = this.#deps;
    counters.add(counters.definition.at.handedOver, connections.length);
    for (const connection of connections) onTaken(connection);
  }

  /** The worker takes nothing any more. @returns what it has not taken, oldest first */
  end(session: WorkerSession): readonly Accepted[] {
    session.status?.close();
    // What it says at its end may be untrue, which is no reason to let clients wait.
    this.read(session);
    session.close();
    return session.account?.takeBack() ?? [];
  }
}
