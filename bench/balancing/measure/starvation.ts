// pure
/** Whether a well host was forgotten. Each agent decides for itself, so each is asked for itself. */
import type { RunLog } from '../sim/run-log.ts';
import type { Scenario } from '../sim/scenario.ts';
import { Standing, type Truth } from '../sim/truth.ts';
import { fairSharesOf } from './reaction.ts';
import { lowerBound } from './statistics.ts';

/** A host that waits for a pick while its fair share is this many picks is forgotten: chance does so once in three million times. */
const FORGOTTEN_FAIR_PICKS = 15;
/** A host that was broken is given this time to get its calls back. */
const RECOVERY_MS = 10_000;

/** The share of the time, over all agents and all hosts that are well, in which an agent does not pick a host at all. */
export function starvedShareOf(scenario: Scenario, truth: Truth, log: RunLog): number {
  const shares = fairSharesOf(scenario, truth);
  const picks = picksByAgent(scenario, log);
  let wellMs = 0;
  let starvedMs = 0;
  for (const host of scenario.hosts.keys()) {
    for (const spell of truth.spells(host, Standing.healthy)) {
      const fromMs = spell.fromMs === 0 ? 0 : spell.fromMs + RECOVERY_MS;
      const toMs = Math.min(spell.toMs, scenario.durationMs);
      if (fromMs >= toMs) continue;
      wellMs += picks.length * (toMs - fromMs);
      for (const { all, byHost } of picks) {
        const patience = FORGOTTEN_FAIR_PICKS / (shares[host] as number);
        starvedMs += gapsMs(all, byHost[host] as number[], patience, fromMs, toMs);
      }
    }
  }
  return wellMs === 0 ? 0 : starvedMs / wellMs;
}

interface AgentPicks {
  /** Moments, in order. */
  readonly all: number[];
  readonly byHost: number[][];
}

function picksByAgent({ agents, hosts }: Scenario, log: RunLog): AgentPicks[] {
  const picks = Array.from({ length: agents }, (): AgentPicks => ({ all: [], byHost: hosts.map(() => []) }));
  for (const [pick, atMs] of log.pickMs.entries()) {
    const { all, byHost } = picks[log.pickAgent[pick] as number] as AgentPicks;
    all.push(atMs);
    byHost[log.pickHost[pick] as number]?.push(atMs);
  }
  return picks;
}

/** The time between picks of a host during which its agent made more than so many others. */
function gapsMs(all: readonly number[], mine: readonly number[], patience: number, fromMs: number, toMs: number): number {
  let gapsMs = 0;
  let lastMs = fromMs;
  for (const atMs of [...mine.slice(lowerBound(mine, fromMs), lowerBound(mine, toMs)), toMs]) {
    if (lowerBound(all, atMs) - lowerBound(all, lastMs) > patience) gapsMs += atMs - lastMs;
    lastMs = atMs;
  }
  return gapsMs;
}
