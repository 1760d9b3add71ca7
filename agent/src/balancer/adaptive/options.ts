// pure
/** What an operator may want otherwise. The numbers that no operator can know better stand with their reasons where they are used. */
export interface AdaptiveOptions {
  /**
   * AD-17 (none left): what a pick answers when every host is ejected or full. 'probe': one call at a time goes to an ejected host, the others are
   * refused; 'all': hosts are used as though they were well; 'refuse': OVERLOAD, until a regular probe succeeds.
   * 'probe' serves again with the first call after the trouble, and loads a sick module least.
   */
  readonly onAllOverloaded: 'probe' | 'all' | 'refuse';
  /** AD-13 (shedding): whether calls are refused while a queue stands at the hosts. */
  readonly shed: boolean;
  /** AD-19 (zones): the agent's own zone, as hosts name theirs; empty = zones do not matter, as where hosts name none. */
  readonly zone: string;
  /**
   * AD-11 (probe budget): which share of its fair share of the picks an ejected host gets at most, as probes. Above 0, at most 1. 3 %: a call a second
   * to five hosts pays for a probe in three minutes, which loses 0.6 % of the calls while one of them is dead.
   */
  readonly probeShare: number;
  /** AD-10 (probe backoff): the pause before an ejected host's first probe, ms, above 0. One second: most restarts and hiccups are over then. */
  readonly probeBackoffMinMs: number;
  /** AD-10 (probe backoff): what the pauses double up to, ms, at least probeBackoffMinMs. Ten seconds: a recovered host is back soon, a dead one costs little. */
  readonly probeBackoffMaxMs: number;
}

export const ADAPTIVE_DEFAULTS: AdaptiveOptions = {
  onAllOverloaded: 'probe',
  shed: true,
  zone: '',
  probeShare: 0.03,
  probeBackoffMinMs: 1_000,
  probeBackoffMaxMs: 10_000,
};
