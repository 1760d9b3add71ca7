import { recordLogger } from '@lars/runtime/log';
import { rulesOf, SHIPPED_ALGORITHM } from './algorithms.ts';
import { Decisions, type PastDecision } from './decisions.ts';
import { outageIntroduction } from './introduction.ts';
import { viewOf } from './live-view.ts';
import type { OutageOptions } from './options.ts';
import type { Screen } from './screen.ts';
import { outageStory, type StoryTime, tellStory } from './story.ts';
import { type AgentResult, type DemoResult, type OutageResult, resultAsJson, resultAsText } from './summary.ts';
import type { TroubleNumbers } from './trouble-record.ts';
import { WhyWatch } from './why-watch.ts';
import { callersOf, failureOf, type LarsWorld, MODULE, startWorld } from './world.ts';

const SHOWN_DECISIONS = 4;

/**
 * One server is stopped and started again, with the default algorithm, or with the one that was asked for.
 * @returns the text to print; undefined when the demo was interrupted
 * @throws when a service fails or cannot start
 */
export async function playOutage(options: OutageOptions, screen: Screen, interruption: AbortSignal): Promise<string | undefined> {
  const { algorithm } = options;
  screen.tell(outageIntroduction(options, callersOf(options)));
  const decisions = new Decisions(SHOWN_DECISIONS);
  const log = recordLogger(record => decisions.add(record, performance.now()));
  const loadbalance = algorithm === SHIPPED_ALGORITHM ? [] : [`algorithm = ${algorithm}`];
  const world = await startWorld({ ...options, log, loadbalance });
  try {
    const ended = AbortSignal.any([interruption, failureOf(world)]);
    const watch = await watchOutage(world, decisions, options, screen, ended);
    if (interruption.aborted) return undefined;
    ended.throwIfAborted();
    screen.finish();
    const probes = await world.lars.counted('probes');
    await world.finish();
    const { whileDown, whenBack } = watch;
    const result = await resultOf(world, options, decisions.all, { whileDown, whenBack, probes });
    return options.json ? `${resultAsJson(result)}\n` : `\n${resultAsText(result, rulesOf(world.lars.loadbalance))}`;
  } finally {
    await world.remove();
  }
}

/** Tells the story, and shows it. */
async function watchOutage(
  world: LarsWorld,
  decisions: Decisions,
  { phaseSeconds }: OutageOptions,
  screen: Screen,
  signal: AbortSignal,
): Promise<WhyWatch> {
  const { fleet, lars } = world;
  const [victim] = fleet.hosts;
  const watch = new WhyWatch(() => lars.why(MODULE.modid, MODULE.cmdid), victim?.authority ?? '');
  const onTick = (time: StoryTime) => {
    void watch.look(victim?.running === false);
    screen.draw(viewOf({ world, decisions, looks: watch.latest }, time));
  };
  world.begin();
  await tellStory(outageStory(world, phaseSeconds), { signal, onTick });
  return watch;
}

async function resultOf(
  { lars, score }: LarsWorld,
  { seed, hosts, ratePerSecond, phaseSeconds }: OutageOptions,
  decisions: readonly PastDecision[],
  agent: Omit<AgentResult, 'decisions'>,
): Promise<DemoResult> {
  const { windowMs, totals } = score;
  const [trouble] = score.troubles;
  if (trouble?.host === undefined) throw new Error('the story was told without an outage');
  const sinceStop = decisions
    .map(decision => ({ ...decision, atMs: decision.atMs - trouble.beganMs }))
    .filter(({ atMs }) => atMs >= 0);
  return {
    algorithm: lars.loadbalance.algorithm,
    seed,
    hosts,
    ratePerSecond,
    phaseSeconds,
    windowMs,
    totals,
    outage: outageOf(trouble.host, trouble),
    agent: { decisions: sinceStop, ...agent },
    stored: await lars.storedCalls(MODULE.modid, MODULE.cmdid),
  };
}

function outageOf(host: string, trouble: TroubleNumbers): OutageResult {
  const { usualShare, belowHalfMs, belowQuarterMs, lowestShare, backMs, lastedMs, calls, withoutHost, callsToHost } = trouble;
  return {
    host,
    fairShare: usualShare,
    belowHalfMs,
    belowQuarterMs,
    lowestShare,
    backMs,
    // A story that was played to its end has ended its trouble.
    downMs: lastedMs ?? Number.POSITIVE_INFINITY,
    callsWhileDown: calls - withoutHost,
    callsToDeadHost: callsToHost,
  };
}
