// pure
/** One plan with one seed, played by every algorithm: the same calls, the same luck, the same faults. */
import type { Plan } from '../scenarios/plan.ts';
import type { Contender } from '../sim/contender.ts';
import { Draw } from '../sim/draw.ts';
import { randomStream } from '../sim/random.ts';
import type { RunLog } from '../sim/run-log.ts';
import type { Scenario } from '../sim/scenario.ts';
import { simulate } from '../sim/simulation.ts';
import { Truth } from '../sim/truth.ts';
import { type Metrics, metricsOf } from './metrics.ts';

export interface Trial {
  readonly scenario: Scenario;
  readonly truth: Truth;
  readonly seed: number;
}

export function prepare(plan: Plan, seed: number): Trial {
  const scenario = plan.build(new Draw(randomStream(seed, `plan ${plan.name}`)));
  return { scenario, truth: new Truth(scenario), seed };
}

export function play(trial: Trial, contender: Contender): { metrics: Metrics; log: RunLog } {
  const log = simulate(trial.scenario, contender, trial.seed);
  return { metrics: metricsOf(trial.scenario, trial.truth, log), log };
}
