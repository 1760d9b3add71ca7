import type { Decisions } from './decisions.ts';
import type { StoryTime } from './story.ts';
import type { DemoView } from './table.ts';
import type { World } from './world.ts';

/** What there is to see of a world now. `name`: see DemoView. */
export function viewOf(world: Pick<World, 'fleet' | 'score'>, time: StoryTime, decisions: Decisions, name = ''): DemoView {
  const { fleet, score } = world;
  const nowMs = performance.now();
  score.look(nowMs);
  return {
    name,
    ...time,
    windowSeconds: score.windowMs / 1_000,
    ratePerSecond: score.ratePerSecond(nowMs),
    ...score.totals,
    hosts: fleet.hosts.map(({ authority, running }) => ({
      authority,
      running,
      share: score.share(authority, nowMs),
      ...score.countsOf(authority),
    })),
    events: decisions.lines,
  };
}
