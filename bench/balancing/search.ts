/**
 * Looks for the world in which an algorithm does worst against round robin, and makes it as simple as it can:
 * `node bench/balancing/search.ts`. `--rounds N` (worlds that are tried), `--seed S` (another search), `--kind well|troubled` (both unless told), and
 * `--habit`, `--algorithm` and `--cached` as for worlds.ts, which plays what is found: `node bench/balancing/worlds.ts --parameters JSON`.
 */
import { ORACLE, ROUND_ROBIN } from './algorithms.ts';
import { HABITS, type HabitName, withHabit } from './habits.ts';
import { WorldTrial } from './measure/world-trial.ts';
import { fixed } from './page/table.ts';
import { climb, type Place } from './search/climb.ts';
import { shrink } from './search/shrink.ts';
import type { Contender } from './sim/contender.ts';
import { Draw } from './sim/draw.ts';
import { randomStream } from './sim/random.ts';
import { parseSearchFlags, type SearchFlags } from './world-flags.ts';
import { describeWorld } from './worlds/describe-world.ts';
import { drawWorld } from './worlds/draw-world.ts';
import { mutateWorld } from './worlds/mutate-world.ts';
import { simplerWorlds } from './worlds/simplify-world.ts';
import type { Kind, WorldParameters } from './worlds/world-parameters.ts';

/** A simpler world is as good as the one that was found while it is so nearly as bad. */
const ABOUT_AS_BAD = 0.8;
const MOST_SEEDS = 1_000_000;

try {
  const flags = parseSearchFlags(process.argv.slice(2));
  for (const kind of flags.kinds) search(kind, flags);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

function search(kind: Kind, { contender, habit, rounds, seed }: SearchFlags): void {
  const height = (world: WorldParameters) => excess(world, contender, habit);
  const hill = { draw: (draw: Draw) => drawWorld(draw.index(MOST_SEEDS), kind), mutate: mutateWorld, height };
  const callers = habit === undefined ? '' : `, callers: ${habit}`;
  print(`${contender.name} in ${kind} worlds${callers}: COST above round robin's, in ${rounds} rounds`);
  const found = climb(hill, rounds, new Draw(randomStream(seed, `search ${kind}`)), (place, round) => {
    print(`  round ${String(round).padStart(5)}: ${report(place)}`);
  });
  const world = shrink(found.at, simplerWorlds, one => height(one) >= found.height * ABOUT_AS_BAD);
  print('as simple as it can be:', `  ${report({ at: world, height: height(world) })}`, `  ${JSON.stringify(world)}`, '');
}

/** How much worse than round robin, at least, in two runs of the same world: what is bad luck in one is none in both. */
function excess(world: WorldParameters, contender: Contender, habit: HabitName | undefined): number {
  const called = (algorithm: Contender) => (habit === undefined ? algorithm : withHabit(HABITS[habit], algorithm));
  const runs = [world.seed, world.seed + 1].map(luck => {
    const trial = new WorldTrial(world, ORACLE, luck);
    return trial.costOf(called(contender)) - trial.costOf(called(ROUND_ROBIN));
  });
  return Math.min(...runs);
}

function report({ at, height }: Place<WorldParameters>): string {
  return `${fixed(height, 2)} (seed ${at.seed}) ${describeWorld(at)}`;
}

function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}
