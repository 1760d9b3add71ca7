// pure
/** What the soak and the processes of its callers tell each other. */

export interface CallerOptions {
  /** The first of the agent's three UDP ports. */
  readonly udpPort: number;
  readonly cache: boolean;
  readonly callsPerSec: number;
}

/** `round`: call the modules of this round from now on. `stop`: end all calls, send what is unsent, and tell the counts. */
export type ToCaller = { readonly type: 'round'; readonly round: number } | { readonly type: 'stop' };

export type FromCaller =
  | { readonly type: 'calling'; readonly round: number }
  | { readonly type: 'counts'; readonly rounds: readonly RoundCounts[]; readonly droppedResults: number };

/** What one caller has seen of one round. */
export interface RoundCounts {
  readonly round: number;
  /** Calls, whatever became of them. */
  calls: number;
  /** Calls for which the SDK had no host, by its error's code. */
  readonly noHost: Record<string, number>;
  /** Results that the SDK accepted, by modid. */
  readonly accepted: Record<number, Outcomes>;
  /** The longest time without a host for one module, milliseconds. */
  longestOutageMs: number;
}

export interface Outcomes {
  succ: number;
  err: number;
}

/** One module of each of the agent's three servers; their cmdid is the number of the round, so that each round is compared by itself. */
export const MODIDS = [1, 2, 3] as const;
