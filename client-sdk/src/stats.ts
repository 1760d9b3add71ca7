// pure
/** What the cache has done so far (copyPicks, cacheFull), and what it has now. */
export interface CacheCounts {
  /** Hosts picked from a copy. */
  readonly copyPicks: number;
  /** Hosts asked of the agent because so many other modules are cached. */
  readonly cacheFull: number;
  /** Modules whose hosts are picked from a copy. */
  readonly copies: number;
  /** Results that wait to be sent. */
  readonly held: number;
}

/**
 * What a client has done since it was made. All numbers but `pending`, `copies`, `held`, `agentAwayForMs` and
 * `unsentResults` only grow.
 */
export interface LarsStats extends CacheCounts {
  /** Hosts that the client picked by itself because the agent was away, or had not answered in time. */
  readonly fallbackPicks: number;
  /** Whether a part of the agent, or all of it, does not answer. */
  readonly agentAway: boolean;
  /** For how long it has not, milliseconds; 0 while all of it answers. */
  readonly agentAwayForMs: number;
  /** Results of calls that wait for the agent's return, and those that were dropped because there were too many. */
  readonly unsentResults: number;
  readonly droppedResults: number;
  /** How often the agent's file was found unusable, once for each state of the file, and why it was the last time. */
  readonly routesFileErrors: number;
  readonly routesFileProblem: string | undefined;
  /** Requests that wait for an answer now. */
  readonly pending: number;
  /** Datagrams given to the kernel: requests and reports. */
  readonly sent: number;
  /** Requests that the agent answered, with a host or a return code. */
  readonly answered: number;
  /** Well-formed answers that no request waits for: too late, sent twice, or for another module. */
  readonly late: number;
  /** Datagrams that are no answer at all; ignored. */
  readonly malformed: number;
  readonly timeouts: number;
  readonly aborted: number;
  /** Requests refused because `maxPending` others waited. */
  readonly tooManyPending: number;
  /** Requests rejected because a socket failed, in general because no agent listens. */
  readonly unreachable: number;
  /** Reports accepted by `report` and `call`. */
  readonly reports: number;
  /** Datagrams that never reached the kernel: sent after close, waiting for a socket that failed, or one too many for it. */
  readonly dropped: number;
  readonly socketsOpened: number;
  readonly socketFailures: number;
  /** Datagrams with results of calls that were picked from a copy, one result or many in each. */
  readonly batches: number;
  /** Queries whether a copy of a route is current, and those without an answer. */
  readonly refreshes: number;
  readonly refreshesLost: number;
}

/** What is told of the agent's absence. */
export type AbsenceStats = Pick<
  LarsStats,
  'fallbackPicks' | 'agentAway' | 'agentAwayForMs' | 'unsentResults' | 'droppedResults' | 'routesFileErrors' | 'routesFileProblem'
>;

export type Counters = {
  -readonly [Name in Exclude<keyof LarsStats, 'pending' | keyof CacheCounts | keyof AbsenceStats>]: number;
};

export function newCounters(): Counters {
  return {
    sent: 0,
    answered: 0,
    late: 0,
    malformed: 0,
    timeouts: 0,
    aborted: 0,
    tooManyPending: 0,
    unreachable: 0,
    reports: 0,
    dropped: 0,
    socketsOpened: 0,
    socketFailures: 0,
    batches: 0,
    refreshes: 0,
    refreshesLost: 0,
  };
}
