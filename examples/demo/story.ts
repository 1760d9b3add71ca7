/** What happens in the demo: all is well, one server is stopped, it is started again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpFleet } from './http-fleet.ts';
import type { Scoreboard } from './scoreboard.ts';

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

const TICK_MS = 100;

/** The first server is stopped and started again; the scoreboard hears of it. */
export function outageStory(fleet: HttpFleet, score: Scoreboard, seconds: readonly [number, number, number]): Phase[] {
  const victim = fleet.hosts[0];
  if (victim === undefined) throw new RangeError('a story needs a server');
  const { authority } = victim;
  return [
    { name: 'all servers run', seconds: seconds[0], begin: async () => {} },
    {
      name: `${authority} is stopped`,
      seconds: seconds[1],
      begin: async () => {
        score.hostStopped(authority, performance.now());
        await victim.stop();
      },
    },
    {
      name: `${authority} is started again`,
      seconds: seconds[2],
      begin: async () => {
        await victim.start();
        score.hostRestarted(performance.now());
      },
    },
  ];
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
    for (let nowMs = performance.now(); nowMs < phaseEndMs && !signal.aborted; nowMs = performance.now()) {
      onTick({ phase: name, passedSeconds: (nowMs - startMs) / 1_000, totalSeconds });
      // Rejects only when the signal ends it, and the loop sees that.
      await sleep(Math.min(TICK_MS, phaseEndMs - nowMs), undefined, { signal }).catch(() => undefined);
    }
  }
}
