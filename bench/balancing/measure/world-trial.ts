// pure
/** One world, played by an algorithm and by what it is compared with: the oracle, and round robin with the same callers. */
import type { Contender } from '../sim/contender.ts';
import { Outcome } from '../sim/run-log.ts';
import type { Scenario } from '../sim/scenario.ts';
import { simulate } from '../sim/simulation.ts';
import { Truth } from '../sim/truth.ts';
import { buildWorld } from '../worlds/build-world.ts';
import type { WorldParameters } from '../worlds/world-parameters.ts';
import { jainIndexOf } from './fairness.ts';
import { p99MsOf } from './metrics.ts';
import { type Scored, score } from './score.ts';
import { starvedShareOf } from './starvation.ts';

export interface WorldResult {
  readonly world: WorldParameters;
  readonly cost: number;
  readonly roundRobinCost: number;
  /** Shares of all calls. */
  readonly refused: number;
  /** Share of the time in which an agent forgot a host that was well. */
  readonly starved: number;
  /** Jain's index; NaN where no host was well all the time. */
  readonly fairness: number;
}

/** A world whose oracle has played: however many contenders are compared with it, it plays once. */
export class WorldTrial {
  readonly world: WorldParameters;
  readonly #truth: Truth;
  readonly #scenario: Scenario;
  readonly #luck: number;
  readonly #oracle: Scored;

  /** @param luck the seed of the calls; that of the world, unless another is told */
  constructor(world: WorldParameters, oracle: Contender, luck = world.seed) {
    this.world = world;
    this.#scenario = buildWorld(world);
    this.#truth = new Truth(this.#scenario);
    this.#luck = luck;
    this.#oracle = this.#play(oracle);
  }

  costOf(contender: Contender): number {
    return score(this.#play(contender), this.#oracle).cost;
  }

  /** @param roundRobinCost see costOf */
  result(contender: Contender, roundRobinCost: number): WorldResult {
    const played = this.#play(contender);
    return {
      world: this.world,
      cost: score(played, this.#oracle).cost,
      roundRobinCost,
      refused: played.refused,
      starved: starvedShareOf(this.#scenario, this.#truth, played.log),
      fairness: jainIndexOf(this.#scenario, this.#truth, played.log),
    };
  }

  #play(contender: Contender) {
    const log = simulate(this.#scenario, contender, this.#luck);
    const calls = log.callMs.length;
    return { log, success: log.countOf(Outcome.ok) / calls, refused: log.countOf(Outcome.refused) / calls, p99Ms: p99MsOf(log) };
  }
}

/** How much worse than round robin; below 0 where it was better. */
export function excessOf({ cost, roundRobinCost }: WorldResult): number {
  return cost - roundRobinCost;
}

/** Worst first. */
export function byExcess(a: WorldResult, b: WorldResult): number {
  return excessOf(b) - excessOf(a);
}
