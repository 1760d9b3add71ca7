/**
 * Plays random worlds with one algorithm, and prints how it fared against the oracle and against round robin with the same callers:
 * `node bench/balancing/worlds.ts`. `--kind well|troubled` (both unless told), `--worlds N`, `--from SEED`, `--habit NAME` (how callers use the
 * agent), `--algorithm NAME`, `--cached` (with the SDK's cache), `--show N` (of the worst worlds). One seed is one world: `--from 4711 --worlds 1`
 * plays it again, and `--parameters JSON` plays one that a search has found.
 */
import { worldStandingsOf } from './measure/world-standings.ts';
import { byExcess, type WorldResult } from './measure/world-trial.ts';
import { fixed, percent } from './page/table.ts';
import { playWorlds } from './play-worlds.ts';
import { parseWorldFlags, type WorldFlags } from './world-flags.ts';
import { describeWorld } from './worlds/describe-world.ts';
import { drawWorlds } from './worlds/draw-world.ts';
import type { WorldParameters } from './worlds/world-parameters.ts';

try {
  run(parseWorldFlags(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

function run(flags: WorldFlags): void {
  const { kinds, worlds, from, replayed } = flags;
  if (replayed !== undefined) play([replayed], flags);
  else for (const kind of kinds) play(drawWorlds(kind, worlds, from), flags);
}

function play(worlds: readonly WorldParameters[], { habit, contender, show }: WorldFlags): void {
  const startedMs = performance.now();
  const [results = []] = playWorlds(worlds, [contender], habit);
  const tookSec = fixed((performance.now() - startedMs) / 1_000, 0);
  const callers = habit === undefined ? '' : `, callers: ${habit}`;
  print(`${contender.name} in ${worlds.length} ${worlds[0]?.kind} worlds${callers} (${tookSec} s)`, ...summary(results));
  for (const result of results.toSorted(byExcess).slice(0, show)) print(...detail(result));
  print('');
}

function summary(results: readonly WorldResult[]): string[] {
  const { cost, roundRobinCost, refused, refusing, worse, worstExcess, starved, fairness } = worldStandingsOf(results);
  return [
    `  COST ${fixed(cost, 2)}, round robin ${fixed(roundRobinCost, 2)}; at worst ${fixed(worstExcess, 2)} more`,
    `  worse than round robin by 0.5 in ${percent(worse, 1)} of the worlds`,
    `  refuses calls in ${percent(refusing, 1)} of the worlds, ${percent(refused, 2)} of the calls of a world`,
    `  well hosts are starved for ${percent(starved, 1)} of the time; Jain's index ${fixed(fairness, 3)}`,
  ];
}

function detail({ world, cost, roundRobinCost, refused, starved, fairness }: WorldResult): string[] {
  const costs = `COST ${fixed(cost, 2).padStart(6)}, round robin ${fixed(roundRobinCost, 2).padStart(6)}`;
  const more = `refused ${percent(refused, 1)}, starved ${percent(starved, 0)}, Jain ${fixed(fairness, 2)}`;
  return [`  seed ${String(world.seed).padStart(6)}  ${costs}, ${more}`, `    ${describeWorld(world)}`];
}

function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
