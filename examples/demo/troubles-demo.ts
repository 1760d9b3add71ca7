import { recordLogger } from '@lars/runtime/log';
import { rulesOf, WAYS, type Way } from './algorithms.ts';
import { Decisions } from './decisions.ts';
import { troublesIntroduction } from './introduction.ts';
import { type ViewedWorld, viewOf } from './live-view.ts';
import type { TroublesOptions } from './options.ts';
import type { Screen } from './screen.ts';
import { type StoryTime, tellStory, troublesStory } from './story.ts';
import { resultAsJson } from './summary.ts';
import { fairShareIn, type Trouble, titleOf, victimsOf } from './troubles.ts';
import { type TroubleInOneWay, type TroublesResult, troublesAsText } from './troubles-summary.ts';
import { failureOf, MODULE, startWorld, startWorldWithoutLars, WINDOW_MS, type World } from './world.ts';

/** There is room for the last one of each only. */
const SHOWN_DECISIONS = 1;
/** Enough callers to keep the rate while calls wait in a server: with fewer, slow hosts would get fewer calls and do less harm. */
const CALLERS = 64;

/** One way of balancing, with a LARS, a fleet and callers of its own. */
interface Contender extends ViewedWorld {
  readonly name: string;
  readonly conf: readonly string[] | undefined;
  readonly world: World;
}

/**
 * The same troubles befall one fleet for each way of balancing, all at the same time, so that other work of the machine affects them alike.
 * @returns the text to print; undefined when the demo was interrupted
 * @throws when a service fails or cannot start
 */
export async function playTroubles(
  options: TroublesOptions,
  screen: Screen,
  interruption: AbortSignal,
): Promise<string | undefined> {
  const names = WAYS.map(({ name }) => name);
  screen.tell(troublesIntroduction(options, names));
  await using worlds = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  // All at the same time: after a signal there is little time.
  worlds.defer(async () => {
    await Promise.all(contenders.map(({ world }) => world.remove()));
  });
  for (const way of WAYS) contenders.push(await startContender(way, options));
  const ended = AbortSignal.any([interruption, ...contenders.map(({ world }) => failureOf(world))]);
  const stages = contenders.map(({ world }) => world);
  for (const world of stages) world.begin();
  const onTick = (time: StoryTime) => drawAll(screen, contenders, time);
  await tellStory(troublesStory(stages, options.troubles, options), { signal: ended, onTick });
  if (interruption.aborted) return undefined;
  ended.throwIfAborted();
  screen.finish();
  await Promise.all(stages.map(world => world.finish()));
  const result = await resultOf(contenders, options);
  const rules = stages.map(({ lars }) => (lars === undefined ? undefined : rulesOf(lars.loadbalance)));
  return options.json ? `${resultAsJson(result)}\n` : `\n${troublesAsText(result, rules)}`;
}

async function startContender(
  { name, loadbalance: conf }: Way,
  { hosts, ratePerSecond, seed }: TroublesOptions,
): Promise<Contender> {
  const decisions = new Decisions(SHOWN_DECISIONS);
  const options = { hosts, ratePerSecond, seed, callers: CALLERS };
  if (conf === undefined) return { name, conf, world: await startWorldWithoutLars(options), decisions };
  const log = recordLogger(record => decisions.add(record, performance.now()));
  return { name, conf, world: await startWorld({ ...options, log, loadbalance: conf }), decisions };
}

function drawAll(screen: Screen, contenders: readonly Contender[], time: StoryTime): void {
  const [first, ...others] = contenders.map(contender => viewOf(contender, time));
  if (first !== undefined) screen.draw(first, ...others);
}

async function resultOf(contenders: readonly Contender[], options: TroublesOptions): Promise<TroublesResult> {
  const { seed, hosts, ratePerSecond, troubles, troubleSeconds, quietSeconds } = options;
  const victims = victimsOf(troubles, hosts);
  return {
    seed,
    hosts,
    ratePerSecond,
    troubleSeconds,
    quietSeconds,
    windowMs: WINDOW_MS,
    ways: await Promise.all(
      contenders.map(async ({ name, conf, world: { score, lars } }) => ({
        name,
        conf,
        totals: score.totals,
        stored: await lars?.storedCalls(MODULE.modid, MODULE.cmdid),
      })),
    ),
    troubles: troubles.map((trouble, index) => ({
      name: trouble.name,
      story: titleOf(trouble, victims[index]),
      befalls: trouble.befalls,
      fairShare: fairShareIn(trouble, hosts),
      ways: contenders.map(contender => inOneWay(contender, trouble, index)),
    })),
  };
}

function inOneWay({ name, world, decisions }: Contender, trouble: Trouble, index: number): TroubleInOneWay {
  const numbers = world.score.troubles[index];
  if (numbers === undefined) throw new Error(`the story was told without the trouble ${trouble.name}`);
  const named = numbers.calls - numbers.withoutHost;
  const share = numbers.host === undefined || named === 0 ? undefined : numbers.callsToHost / named;
  return { way: name, ...numbers, share, takenOutMs: decisions.takenOutMs(numbers) };
}
