// pure
import type { Candidate, Policy } from './policy.ts';

/** The host with the fewest connections for its weight; hosts that are equal take turns. */
export class LeastConnections implements Policy {
  #turn = 0;

  choose<C extends Candidate>(all: readonly C[], mayPick: (candidate: C) => boolean): C | undefined {
    this.#turn += 1;
    let best: C | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < all.length; at++) {
      const candidate = all[(at + this.#turn) % all.length] as C;
      const load = (candidate.state.connections + 1) / candidate.weight;
      if (load >= least || !mayPick(candidate)) continue;
      best = candidate;
      least = load;
    }
    return best;
  }
}
