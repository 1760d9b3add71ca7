// pure
import { answerFrame, type EncodedRoute } from './encoded-route.ts';
import type { RouteConnection, SubscribedModule } from './subscriptions.ts';

interface ParkedRequest {
  readonly module: SubscribedModule<RouteConnection>;
  readonly version: number;
  readonly features: number;
}

interface Lane {
  readonly requests: ParkedRequest[];
  isPaused: boolean;
}

/** A connection with this many parked requests is not read from until all of them are answered. */
export const PARKED_REQUESTS_MAX = 1_024;

/**
 * Requests that wait for a route that is not known in this thread yet, and the requests behind them: a connection's answers are sent
 * in the order of its requests.
 */
export class ParkedRequests {
  readonly #onAnswer: (route: EncodedRoute, answer: Uint8Array) => void;
  readonly #lanes = new Map<RouteConnection, Lane>();

  constructor(onAnswer: (route: EncodedRoute, answer: Uint8Array) => void) {
    this.#onAnswer = onAnswer;
  }

  countOf(connection: RouteConnection): number {
    return this.#lanes.size === 0 ? 0 : (this.#lanes.get(connection)?.requests.length ?? 0);
  }

  /** Whether the connection's next request must wait for an earlier one. */
  mustPark(connection: RouteConnection): boolean {
    return this.#lanes.size > 0 && this.#lanes.has(connection);
  }

  park(connection: RouteConnection, request: ParkedRequest): void {
    const lane = this.#lanes.get(connection) ?? { requests: [], isPaused: false };
    this.#lanes.set(connection, lane);
    lane.requests.push(request);
    if (lane.isPaused || lane.requests.length < PARKED_REQUESTS_MAX) return;
    lane.isPaused = true;
    connection.pause();
  }

  /** Answers every request that can be answered now, after some routes became known. */
  answerKnown(): void {
    for (const [connection, lane] of this.#lanes) {
      lane.requests.splice(0, this.#answerFirst(connection, lane.requests));
      if (lane.requests.length > 0) continue;
      this.#lanes.delete(connection);
      if (lane.isPaused) connection.resume();
    }
  }

  /** The connection is closed. */
  dropConnection(connection: RouteConnection): void {
    this.#lanes.delete(connection);
  }

  /** @returns how many of the requests were answered */
  #answerFirst(connection: RouteConnection, requests: readonly ParkedRequest[]): number {
    let answered = 0;
    for (const { module, version, features } of requests) {
      if (module.route === undefined) break;
      const answer = answerFrame(module.route, version, features);
      connection.queue(answer);
      this.#onAnswer(module.route, answer);
      answered += 1;
    }
    connection.flush();
    return answered;
  }
}
