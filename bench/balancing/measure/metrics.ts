// pure
/** The numbers of one run. */
import { Outcome, type RunLog } from '../sim/run-log.ts';
import type { Scenario } from '../sim/scenario.ts';
import { Standing, type Truth } from '../sim/truth.ts';
import { type Reaction, reaction } from './reaction.ts';
import { quantile } from './statistics.ts';

export interface Metrics extends Reaction {
  readonly calls: number;
  /** Shares of all calls; what is in neither failed. */
  readonly success: number;
  readonly refused: number;
  /** Of successful calls, from the first attempt on. A call that fails is lost; it is not slow as well. */
  readonly p99Ms: number;
  /** Share of the picks that named a broken host while there was a healthy one. */
  readonly badPicks: number;
  readonly probesPerSec: number;
  /** How often a healthy host was declared overloaded. */
  readonly falseEjections: number;
  /** Share of the calls that were refused while a healthy host had a free worker. */
  readonly needlessRefusals: number;
}

export function metricsOf(scenario: Scenario, truth: Truth, log: RunLog): Metrics {
  const calls = log.callMs.length;
  return {
    calls,
    success: log.countOf(Outcome.ok) / calls,
    refused: log.countOf(Outcome.refused) / calls,
    p99Ms: p99MsOf(log),
    badPicks: badPicksOf(truth, log) / Math.max(1, log.pickMs.length),
    probesPerSec: (log.probes * 1_000) / scenario.durationMs,
    falseEjections: falseEjectionsOf(scenario, truth, log),
    needlessRefusals: log.needlessRefusals / calls,
    ...reaction(scenario, truth, log),
  };
}

export function p99MsOf(log: RunLog): number {
  return quantile(
    log.latencyMs.filter((_, call) => log.outcome[call] === Outcome.ok),
    0.99,
  );
}

function badPicksOf(truth: Truth, log: RunLog): number {
  return log.pickMs.reduce((bad, atMs, pick) => {
    const broken = truth.standing(log.pickHost[pick] as number, atMs) === Standing.broken;
    return broken && truth.hasChoice(atMs) ? bad + 1 : bad;
  }, 0);
}

/** News of a broken host may be a timeout old: an ejection is false if the host was well now and a little more than that ago. */
function falseEjectionsOf(scenario: Scenario, truth: Truth, log: RunLog): number {
  const newsAgeMs = scenario.timeoutMs + 100;
  return log.ejectionMs.reduce((count, atMs, ejection) => {
    const host = log.ejectionHost[ejection] as number;
    const wasWell = [atMs, atMs - newsAgeMs].every(ms => truth.standing(host, ms) === Standing.healthy);
    return wasWell ? count + 1 : count;
  }, 0);
}
