// pure
/** The modules that somebody asked for, what is held of each, and who is told of its changes. */
import { type RouteKey, routeKey } from '@lars/proto';
import type { ModuleId } from '../follow/route.ts';
import type { EncodedRoute } from './encoded-route.ts';

export interface Topic<Peer> extends ModuleId {
  readonly key: RouteKey;
  /** undefined until it is known here. */
  route: EncodedRoute | undefined;
  /** With what each said that it understands; Feature bits. */
  readonly subscribers: Map<Peer, number>;
}

export class Topics<Peer> {
  readonly #maxPerPeer: number;
  readonly #topics = new Map<RouteKey, Topic<Peer>>();
  readonly #byPeer = new Map<Peer, Set<Topic<Peer>>>();
  #subscriptions = 0;

  constructor(maxPerPeer: number) {
    this.#maxPerPeer = maxPerPeer;
  }

  get size(): number {
    return this.#topics.size;
  }

  /** Subscriptions of all peers together. */
  get subscriptions(): number {
    return this.#subscriptions;
  }

  get(key: RouteKey): Topic<Peer> | undefined {
    return this.#topics.get(key);
  }

  open({ modid, cmdid }: ModuleId): Topic<Peer> {
    const key = routeKey(modid, cmdid);
    const topic: Topic<Peer> = { modid, cmdid, key, route: undefined, subscribers: new Map() };
    this.#topics.set(key, topic);
    return topic;
  }

  close(topic: Topic<Peer>): void {
    this.#topics.delete(topic.key);
  }

  /**
   * From now on `peer` is told of the module's changes; said again, the last word on `features` counts.
   * @returns false when the peer has as many subscriptions as it may have, and gets no other
   */
  subscribe(topic: Topic<Peer>, peer: Peer, features: number): boolean {
    const known = topic.subscribers.get(peer);
    if (known === features) return true;
    if (known === undefined && !this.#count(topic, peer)) return false;
    topic.subscribers.set(peer, features);
    return true;
  }

  /** The peer has gone. Returns the topics to which nobody is subscribed now. */
  forget(peer: Peer): Topic<Peer>[] {
    const topics = this.#byPeer.get(peer);
    if (topics === undefined) return [];
    this.#byPeer.delete(peer);
    this.#subscriptions -= topics.size;
    const deserted: Topic<Peer>[] = [];
    for (const topic of topics) {
      topic.subscribers.delete(peer);
      if (topic.subscribers.size === 0) deserted.push(topic);
    }
    return deserted;
  }

  #count(topic: Topic<Peer>, peer: Peer): boolean {
    const topics = this.#byPeer.get(peer) ?? new Set();
    if (topics.size >= this.#maxPerPeer) return false;
    this.#byPeer.set(peer, topics.add(topic));
    this.#subscriptions += 1;
    return true;
  }
}
