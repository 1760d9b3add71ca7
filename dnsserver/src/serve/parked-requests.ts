// pure
import { answerOf, type EncodedRoute } from './encoded-route.ts';
import type { RoutePeer } from './route-peer.ts';
import type { Topic } from './subscriptions.ts';

interface HeldRequest {
  readonly topic: Topic<RoutePeer>;
  readonly version: number;
  readonly features: number;
}

interface Lane {
  readonly requests: HeldRequest[];
  paused: boolean;
}

/** A connection for which so many requests are held is not read until all of them are answered. */
export const HELD_REQUESTS_MAX = 1_024;

/**
 * Requests that wait for a route that is not known in this thread yet, and those behind them: a connection's answers come in the
 * order of its requests.
 */
export class HeldRequests {
  readonly #onAnswer: (route: EncodedRoute, answer: Uint8Array) => void;
  readonly #lanes = new Map<RoutePeer, Lane>();

  constructor(onAnswer: (route: EncodedRoute, answer: Uint8Array) => void) {
    this.#onAnswer = onAnswer;
  }

  /** Must the peer's next request wait for an earlier one? */
  has(peer: RoutePeer): boolean {
    return this.#lanes.size > 0 && this.#lanes.has(peer);
  }

  hold(peer: RoutePeer, request: HeldRequest): void {
    const lane = this.#lanes.get(peer) ?? { requests: [], paused: false };
    this.#lanes.set(peer, lane);
    lane.requests.push(request);
    if (lane.paused || lane.requests.length < HELD_REQUESTS_MAX) return;
    lane.paused = true;
    peer.pause();
  }

  /** Some routes are known now: answers what can be answered. */
  release(): void {
    for (const [peer, lane] of this.#lanes) {
      lane.requests.splice(0, this.#answer(peer, lane.requests));
      if (lane.requests.length > 0) continue;
      this.#lanes.delete(peer);
      if (lane.paused) peer.resume();
    }
  }

  /** The peer has gone. */
  forget(peer: RoutePeer): void {
    this.#lanes.delete(peer);
  }

  /** @returns how many of the requests were answered */
  #answer(peer: RoutePeer, requests: readonly HeldRequest[]): number {
    let answered = 0;
    for (const { topic, version, features } of requests) {
      if (topic.route === undefined) break;
      const answer = answerOf(topic.route, version, features);
      peer.queue(answer);
      this.#onAnswer(topic.route, answer);
      answered += 1;
    }
    peer.flush();
    return answered;
  }
}
