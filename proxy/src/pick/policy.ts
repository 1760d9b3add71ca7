// pure
import type { HostState } from './host-table.ts';

/** A host of the route that may be picked. */
export interface Candidate {
  readonly state: HostState;
  /** Relative capacity, above 0. */
  readonly weight: number;
}

/** Chooses from a module's route. It is asked for one module only, and may remember what it needs from one choice to the next. */
export interface Policy {
  /**
   * @param all the hosts of the route that do not drain: the same array as long as they do not change
   * @param mayPick whether a host may be picked now
   * @param key what the client is known by, of any length
   * @returns undefined when none may be picked
   */
  choose<C extends Candidate>(all: readonly C[], mayPick: (candidate: C) => boolean, key: string): C | undefined;
}
