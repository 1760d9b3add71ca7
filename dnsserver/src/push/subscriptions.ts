// pure
/** Who is told of which module's changes. */
import type { RouteKey } from '@lars/proto';

export interface Subscription<Peer> {
  readonly peer: Peer;
  /** What the peer said that it understands; Feature bits. */
  readonly features: number;
}

export class Subscriptions<Peer> {
  readonly #maxPerPeer: number;
  readonly #byModule = new Map<RouteKey, Map<Peer, Subscription<Peer>>>();
  readonly #byPeer = new Map<Peer, Set<RouteKey>>();
  #count = 0;

  constructor(maxPerPeer: number) {
    this.#maxPerPeer = maxPerPeer;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * From now on `peer` is told of the module's changes; said again, the last word on `features` counts.
   * @returns false when the peer has as many subscriptions as it may have, and gets no other
   */
  subscribe(peer: Peer, module: RouteKey, features: number): boolean {
    const known = this.#byModule.get(module)?.get(peer);
    if (known === undefined) return this.#add(peer, module, features);
    if (known.features !== features) this.#byModule.get(module)?.set(peer, { peer, features });
    return true;
  }

  /** The peer has gone. */
  forget(peer: Peer): void {
    const modules = this.#byPeer.get(peer);
    if (modules === undefined) return;
    this.#byPeer.delete(peer);
    this.#count -= modules.size;
    for (const module of modules) {
      const peers = this.#byModule.get(module);
      peers?.delete(peer);
      if (peers?.size === 0) this.#byModule.delete(module);
    }
  }

  of(module: RouteKey): Iterable<Subscription<Peer>> {
    return this.#byModule.get(module)?.values() ?? [];
  }

  #add(peer: Peer, module: RouteKey, features: number): boolean {
    const modules = this.#byPeer.get(peer) ?? new Set();
    if (modules.size >= this.#maxPerPeer) return false;
    this.#byPeer.set(peer, modules.add(module));
    const peers = this.#byModule.get(module) ?? new Map<Peer, Subscription<Peer>>();
    this.#byModule.set(module, peers.set(peer, { peer, features }));
    this.#count += 1;
    return true;
  }
}
