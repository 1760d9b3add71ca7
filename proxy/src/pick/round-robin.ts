// pure
import type { HostState } from './host-table.ts';
import type { Candidate, Policy } from './policy.ts';

/**
 * In turn, in proportion to the weights, and spread evenly: at each choice every host gains its weight, and the one that has most pays the weights of
 * all (smooth weighted round robin).
 */
export class RoundRobin implements Policy {
  #credits = new Map<HostState, number>();
  #all: readonly Candidate[] = [];

  choose<C extends Candidate>(all: readonly C[], mayPick: (candidate: C) => boolean): C | undefined {
    if (all !== this.#all) this.#adopt(all);
    let best: C | undefined;
    let most = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (const candidate of all) {
      if (!mayPick(candidate)) continue;
      const credit = (this.#credits.get(candidate.state) ?? 0) + candidate.weight;
      this.#credits.set(candidate.state, credit);
      total += candidate.weight;
      if (credit <= most) continue;
      best = candidate;
      most = credit;
    }
    if (best !== undefined) this.#credits.set(best.state, most - total);
    return best;
  }

  /** Another route: what hosts have gained goes on, and that of hosts that have gone is forgotten. */
  #adopt(all: readonly Candidate[]): void {
    this.#credits = new Map(all.map(({ state }) => [state, this.#credits.get(state) ?? 0]));
    this.#all = all;
  }
}
