import { recordLogger } from '@lars/runtime/log';
import { ALGORITHMS, confLinesFor, rulesOf } from './algorithms.ts';
import { Decisions } from './decisions.ts';
import { viewOf } from './live-view.ts';
import type { TroublesOptions } from './options.ts';
import type { Screen } from './screen.ts';
import { type StoryTime, tellStory, troublesStory } from './story.ts';
import { resultAsJson } from './summary.ts';
import { fairShareIn, type Trouble } from './troubles.ts';
import { type TroubleRow, type TroublesResult, troublesAsText } from './troubles-summary.ts';
import { failureOf, MODULE, startWorld, WINDOW_MS, type World } from './world.ts';

const SHOWN_DECISIONS = 3;
/** So many that the rate holds while calls wait in a server: whoever calls less because hosts are slow measures less of it. */
const CALLERS = 64;

/** One algorithm, with a LARS, a fleet and callers of its own. */
interface Contender {
  readonly algorithm: string;
  readonly world: World;
  readonly decisions: Decisions;
}

/**
 * The same troubles befall one fleet for each algorithm, all at the same time: what else the machine does touches them alike.
 * @returns what is to be printed; undefined when the demo was interrupted
 * @throws what is wrong, when a service fails or cannot start
 */
export async function playTroubles(
  options: TroublesOptions,
  screen: Screen,
  interruption: AbortSignal,
): Promise<string | undefined> {
  await using worlds = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const algorithm of ALGORITHMS) {
    const contender = await startContender(algorithm, options);
    worlds.defer(() => contender.world.remove());
    contenders.push(contender);
  }
  const ended = AbortSignal.any([interruption, ...contenders.map(({ world }) => failureOf(world))]);
  const stages = contenders.map(({ world }) => world);
  const onTick = (time: StoryTime) => drawAll(screen, contenders, time);
  await tellStory(troublesStory(stages, options.troubles, options), { signal: ended, onTick });
  if (interruption.aborted) return undefined;
  ended.throwIfAborted();
  screen.finish();
  await Promise.all(stages.map(world => world.finish()));
  const result = resultOf(contenders, options);
  const rules = stages.map(({ lars }) => rulesOf(lars.loadbalance));
  return options.json ? `${resultAsJson(result)}\n` : `\n${troublesAsText(result, rules)}`;
}

async function startContender(algorithm: string, { hosts, ratePerSecond, seed }: TroublesOptions): Promise<Contender> {
  const decisions = new Decisions(SHOWN_DECISIONS);
  const log = recordLogger(record => decisions.add(record));
  const loadbalance = confLinesFor(algorithm);
  const world = await startWorld({ hosts, ratePerSecond, seed, log, loadbalance, callers: CALLERS });
  return { algorithm, world, decisions };
}

function drawAll(screen: Screen, contenders: readonly Contender[], time: StoryTime): void {
  const [first, ...others] = contenders.map(({ algorithm, world, decisions }) => viewOf(world, time, decisions, algorithm));
  if (first !== undefined) screen.draw(first, ...others);
}

function resultOf(contenders: readonly Contender[], options: TroublesOptions): TroublesResult {
  const { seed, hosts, ratePerSecond, troubles, troubleSeconds, quietSeconds } = options;
  return {
    seed,
    hosts,
    ratePerSecond,
    troubleSeconds,
    quietSeconds,
    windowMs: WINDOW_MS,
    algorithms: contenders.map(({ algorithm, world }) => ({
      algorithm,
      totals: world.score.totals,
      stored: world.lars.storedCalls(MODULE.modid, MODULE.cmdid),
    })),
    troubles: troubles.flatMap((trouble, index) => contenders.map(contender => rowOf(contender, trouble, index))),
  };
}

function rowOf({ algorithm, world }: Contender, trouble: Trouble, index: number): TroubleRow {
  const numbers = world.score.troubles[index];
  if (numbers === undefined) throw new Error(`the story was told without the trouble ${trouble.name}`);
  const named = numbers.calls - numbers.withoutHost;
  return {
    trouble: trouble.name,
    algorithm,
    ...numbers,
    share: named === 0 ? undefined : numbers.callsToHost / named,
    fairShare: fairShareIn(trouble, world.fleet.hosts.length),
  };
}
