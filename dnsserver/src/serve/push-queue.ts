import { pushOf } from './encoded-route.ts';
import type { RoutePeer } from './route-peer.ts';
import type { Topic } from './subscriptions.ts';

type RouteTopic = Topic<RoutePeer>;

/** One walk through the subscribers of a changed module. */
interface Pass {
  readonly topic: RouteTopic;
  subscribers: MapIterator<[RoutePeer, number]>;
  /** So many have been told in this walk. */
  told: number;
  /** The walk ends there: those behind had the last form already. */
  end: number;
  /** The route changed while walking: so many of the first must be told again; 0 = none. */
  again: number;
}

/** A portion tells so many connections at most: each costs a system call of some 8 µs, and answers wait meanwhile. */
export const PORTION_CONNECTIONS = 32;
/** No more than a healthy peer's socket takes at once, should all of it be for one. */
export const PORTION_BYTES = 128 * 1_024;

/**
 * Changed routes on their way to their subscribers. They leave in portions, one per turn of the event loop, between which others
 * are answered; what is for one connection within a portion leaves in one system call. Each is told the route as it is at that
 * moment, so that nobody hears of an older form after a newer one.
 */
export class PushQueue {
  readonly #onPushed: (pushes: number) => void;
  readonly #passes = new Map<RouteTopic, Pass>();
  #turn: NodeJS.Immediate | undefined;

  constructor(onPushed: (pushes: number) => void) {
    this.#onPushed = onPushed;
  }

  /** Changes that have not been told to all yet. */
  get length(): number {
    return this.#passes.size;
  }

  add(topics: Iterable<RouteTopic>): void {
    for (const topic of topics) {
      const pass = this.#passes.get(topic);
      if (pass === undefined) this.#passes.set(topic, newPass(topic, Number.POSITIVE_INFINITY));
      else pass.again = Math.max(pass.again, pass.end === Number.POSITIVE_INFINITY ? pass.told : Number.POSITIVE_INFINITY);
    }
    if (this.#turn === undefined) this.#sendPortion();
  }

  stop(): void {
    clearImmediate(this.#turn);
    this.#passes.clear();
  }

  #sendPortion(): void {
    const portion: Portion = { peers: new Set(), bytes: 0, pushes: 0 };
    for (const [topic, pass] of this.#passes) {
      if (!walk(pass, portion)) break;
      this.#passes.delete(topic);
      // To the end of the queue: the other changes have their turn before.
      if (pass.again > 0) this.#passes.set(topic, newPass(topic, pass.again));
    }
    for (const peer of portion.peers) peer.flush();
    this.#onPushed(portion.pushes);
    this.#turn = this.#passes.size === 0 ? undefined : setImmediate(() => this.#sendPortion());
  }
}

interface Portion {
  readonly peers: Set<RoutePeer>;
  bytes: number;
  pushes: number;
}

function newPass(topic: RouteTopic, end: number): Pass {
  return { topic, subscribers: topic.subscribers.entries(), told: 0, end, again: 0 };
}

/** @returns false when the portion was full before the end */
function walk(pass: Pass, portion: Portion): boolean {
  while (pass.told < pass.end) {
    if (portion.peers.size >= PORTION_CONNECTIONS || portion.bytes >= PORTION_BYTES) return false;
    const next = pass.subscribers.next();
    if (next.done) return true;
    const [peer, features] = next.value;
    pass.told += 1;
    tell(peer, features, pass.topic, portion);
  }
  return true;
}

function tell(peer: RoutePeer, features: number, { route }: RouteTopic, portion: Portion): void {
  if (route === undefined) return;
  const frame = pushOf(route, features);
  if (!peer.queue(frame)) return;
  portion.peers.add(peer);
  portion.bytes += frame.length;
  portion.pushes += 1;
}
