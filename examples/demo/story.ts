/** What happens in the demo, phase by phase. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpFleet, HttpHost } from './http-fleet.ts';
import type { Scoreboard } from './scoreboard.ts';
import { heal, type Trouble, titleOf, victimsOf } from './troubles.ts';

export interface Phase {
  readonly name: string;
  readonly seconds: number;
  /** What happens when it begins. */
  begin(): Promise<void>;
}

/** Where the story is. */
export interface StoryTime {
  readonly phase: string;
  readonly passedSeconds: number;
  readonly totalSeconds: number;
}

export interface StoryOptions {
  readonly signal: AbortSignal;
  /** Called some times a second. */
  readonly onTick: (time: StoryTime) => void;
}

/** The fleet of a story, and the observer of its troubles. */
export interface Stage {
  readonly fleet: HttpFleet;
  readonly score: Scoreboard;
}

export interface TroublesStoryOptions {
  readonly troubleSeconds: number;
  /** Before the first trouble and after each. */
  readonly quietSeconds: number;
  readonly ratePerSecond: number;
}

const TICK_MS = 100;

/** The first server is stopped and started again. */
export function outageStory({ fleet, score }: Stage, seconds: readonly [number, number, number]): Phase[] {
  const victim = hostOf(fleet, 0);
  const { authority } = victim;
  return [
    { name: 'all servers run', seconds: seconds[0], begin: async () => {} },
    {
      name: `${authority} is stopped`,
      seconds: seconds[1],
      begin: async () => {
        score.troubleBegan(authority, performance.now());
        await victim.stop();
      },
    },
    {
      name: `${authority} is started again`,
      seconds: seconds[2],
      begin: async () => {
        await victim.start();
        score.troubleEnded(performance.now());
      },
    },
  ];
}

const ALL_WELL = 'all is well';

/** One trouble after the other, on all stages at the same time. */
export function troublesStory(stages: readonly Stage[], troubles: readonly Trouble[], options: TroublesStoryOptions): Phase[] {
  const { quietSeconds } = options;
  const victims = victimsOf(troubles, stages[0]?.fleet.hosts.length ?? 0);
  const phases = troubles.flatMap((trouble, index) => troublePhases(stages, trouble, victims[index], options));
  return [{ name: ALL_WELL, seconds: quietSeconds, begin: async () => {} }, ...phases];
}

function troublePhases(
  stages: readonly Stage[],
  trouble: Trouble,
  victim: number | undefined,
  { troubleSeconds, quietSeconds, ratePerSecond }: TroublesStoryOptions,
): Phase[] {
  const onAll = async (act: (stage: Stage) => Promise<void>) => {
    await Promise.all(stages.map(act));
  };
  const steps = trouble.steps(troubleSeconds).map(({ seconds, act }, step) => ({
    name: titleOf(trouble, victim),
    seconds,
    begin: () =>
      onAll(async ({ fleet, score }) => {
        const troubled = victim === undefined ? undefined : hostOf(fleet, victim);
        if (step === 0) score.troubleBegan(troubled?.authority, performance.now());
        const victims = troubled === undefined ? fleet.hosts : [troubled];
        await Promise.all(victims.map(one => act({ fleet, victim: one, ratePerSecond })));
      }),
  }));
  const afterwards = {
    name: victim === undefined ? ALL_WELL : `server ${victim + 1} is well again`,
    seconds: quietSeconds,
    begin: () =>
      onAll(async ({ fleet, score }) => {
        await heal(fleet);
        score.troubleEnded(performance.now());
      }),
  };
  return [...steps, afterwards];
}

/** Lets one phase follow the other. Resolves after the last, or soon after the signal. */
export async function tellStory(phases: readonly Phase[], { signal, onTick }: StoryOptions): Promise<void> {
  const startMs = performance.now();
  const totalSeconds = phases.reduce((sum, { seconds }) => sum + seconds, 0);
  let phaseEndMs = startMs;
  for (const { name, seconds, begin } of phases) {
    if (signal.aborted) return;
    await begin();
    phaseEndMs += seconds * 1_000;
    // A process that was not scheduled for a whole phase shows it once nevertheless.
    let nowMs = performance.now();
    do {
      onTick({ phase: name, passedSeconds: (nowMs - startMs) / 1_000, totalSeconds });
      // Rejects only when the signal ends it, and the loop sees that.
      await sleep(Math.max(0, Math.min(TICK_MS, phaseEndMs - nowMs)), undefined, { signal }).catch(() => undefined);
      nowMs = performance.now();
    } while (nowMs < phaseEndMs && !signal.aborted);
  }
}

function hostOf({ hosts }: HttpFleet, index: number): HttpHost {
  const host = hosts[index];
  if (host === undefined) throw new RangeError('a story needs a server');
  return host;
}
