import type { Decisions } from './decisions.ts';
import { type HostLook, stateWords } from './host-look.ts';
import type { StoryTime } from './story.ts';
import type { DemoView } from './table.ts';
import type { World } from './world.ts';

export interface ViewedWorld {
  readonly world: Pick<World, 'fleet' | 'score'>;
  readonly decisions: Decisions;
  /** See DemoView. */
  readonly name?: string;
  /** The state of the hosts, as the agent says. */
  readonly looks?: readonly HostLook[];
}

/** The view of a world as it is now. */
export function viewOf({ world, decisions, name = '', looks = [] }: ViewedWorld, time: StoryTime): DemoView {
  const { fleet, score } = world;
  const nowMs = performance.now();
  score.look(nowMs);
  const notes = new Map(looks.map(look => [look.host, stateWords(look)]));
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
      note: notes.get(authority) ?? '',
    })),
    events: decisions.lines,
  };
}
