import { recordLogger } from '@lars/runtime/log';
import { rulesOf } from './algorithms.ts';
import { Decisions } from './decisions.ts';
import { viewOf } from './live-view.ts';
import type { OutageOptions } from './options.ts';
import type { Screen } from './screen.ts';
import { outageStory, type StoryTime, tellStory } from './story.ts';
import { type DemoResult, type OutageResult, resultAsJson, resultAsText } from './summary.ts';
import type { TroubleNumbers } from './trouble-record.ts';
import { failureOf, MODULE, startWorld, type World } from './world.ts';

const SHOWN_DECISIONS = 3;

/**
 * One server is stopped and started again, with an agent as it is shipped.
 * @returns what is to be printed; undefined when the demo was interrupted
 * @throws what is wrong, when a service fails or cannot start
 */
export async function playOutage(options: OutageOptions, screen: Screen, interruption: AbortSignal): Promise<string | undefined> {
  const decisions = new Decisions(SHOWN_DECISIONS);
  const log = recordLogger(record => decisions.add(record));
  const world = await startWorld({ ...options, log });
  try {
    const ended = AbortSignal.any([interruption, failureOf(world)]);
    const onTick = (time: StoryTime) => screen.draw(viewOf(world, time, decisions));
    await tellStory(outageStory(world, options.phaseSeconds), { signal: ended, onTick });
    if (interruption.aborted) return undefined;
    ended.throwIfAborted();
    screen.finish();
    await world.finish();
    const result = resultOf(world, options);
    return options.json ? `${resultAsJson(result)}\n` : `\n${resultAsText(result, rulesOf(world.lars.loadbalance))}`;
  } finally {
    await world.remove();
  }
}

function resultOf({ lars, score }: World, { seed, hosts, ratePerSecond, phaseSeconds }: OutageOptions): DemoResult {
  const { windowMs, totals } = score;
  const [trouble] = score.troubles;
  if (trouble === undefined) throw new Error('the story was told without an outage');
  const stored = lars.storedCalls(MODULE.modid, MODULE.cmdid);
  return { seed, hosts, ratePerSecond, phaseSeconds, windowMs, totals, outage: outageOf(trouble), stored };
}

function outageOf(trouble: TroubleNumbers): OutageResult {
  const { host, usualShare, belowHalfMs, belowQuarterMs, lowestShare, backMs, calls, withoutHost, callsToHost } = trouble;
  const callsWhileDown = calls - withoutHost;
  return {
    host,
    fairShare: usualShare,
    belowHalfMs,
    belowQuarterMs,
    lowestShare,
    backMs,
    callsWhileDown,
    callsToDeadHost: callsToHost,
  };
}
