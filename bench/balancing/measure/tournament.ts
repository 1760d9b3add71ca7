// pure
/** Every algorithm in every scenario, with several seeds. */
import type { Plan } from '../scenarios/plan.ts';
import type { Contender } from '../sim/contender.ts';
import type { RunLog } from '../sim/run-log.ts';
import type { Metrics } from './metrics.ts';
import { type Score, score } from './score.ts';
import { geometricMean, mean } from './statistics.ts';
import { play, prepare, type Trial } from './trial.ts';

/** How an algorithm did in a scenario: means over the seeds; of p99 and its ratio the geometric ones. */
export interface Entry extends Score, Metrics {
  readonly plan: Plan;
  readonly algorithm: string;
}

/** Looks at a single run while its log is there. */
export type Watch = (plan: Plan, trial: Trial, algorithm: string, log: RunLog) => void;

/** One entry an algorithm and plan, the oracle's first. Scores compare runs of one seed, so that luck is the same for both. */
export function playPlan(
  plan: Plan,
  oracle: Contender,
  algorithms: readonly Contender[],
  seeds: readonly number[],
  watch: Watch = () => undefined,
): Entry[] {
  const contenders = [oracle, ...algorithms];
  const runs = contenders.map((): (Metrics & Score)[] => []);
  for (const seed of seeds) {
    const trial = prepare(plan, seed);
    let best: Metrics | undefined;
    for (const [index, contender] of contenders.entries()) {
      const { metrics, log } = play(trial, contender);
      best ??= metrics;
      (runs[index] as (Metrics & Score)[]).push({ ...metrics, ...score(metrics, best) });
      watch(plan, trial, contender.name, log);
    }
  }
  return contenders.map(({ name }, index) => ({ plan, algorithm: name, ...average(runs[index] as (Metrics & Score)[]) }));
}

function average(runs: readonly (Metrics & Score)[]): Metrics & Score {
  const meanOf = (field: keyof (Metrics & Score)) => mean(runs.map(run => run[field]).filter(value => !Number.isNaN(value)));
  return {
    calls: meanOf('calls'),
    success: meanOf('success'),
    refused: meanOf('refused'),
    p99Ms: geometricMean(runs.map(run => run.p99Ms)),
    badPicks: meanOf('badPicks'),
    probesPerSec: meanOf('probesPerSec'),
    falseEjections: meanOf('falseEjections'),
    needlessRefusals: meanOf('needlessRefusals'),
    detectMs: meanOf('detectMs'),
    recoverMs: meanOf('recoverMs'),
    missed: meanOf('missed'),
    lostPoints: meanOf('lostPoints'),
    p99Ratio: geometricMean(runs.map(run => run.p99Ratio)),
    cost: meanOf('cost'),
  };
}
