// pure
/** What one run leaves behind, in columns. Everything that is measured is computed from this and from the Truth. */

export const Outcome = { pending: 0, ok: 1, failed: 2, refused: 3 } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

export class RunLog {
  /** One entry a call: when it began, how it ended, and how long it took in all. */
  readonly callMs: number[] = [];
  readonly outcome: Outcome[] = [];
  readonly latencyMs: number[] = [];
  /** One entry a pick that named a host. */
  readonly pickMs: number[] = [];
  readonly pickHost: number[] = [];
  readonly pickAgent: number[] = [];
  /** Hosts that a balancer declared overloaded. */
  readonly ejectionMs: number[] = [];
  readonly ejectionHost: number[] = [];
  /** OVERLOAD answers given while a healthy host had a free worker. */
  needlessRefusals = 0;
  timeouts = 0;
  /** As the balancers count them. */
  probes = 0;
  /** Per host. */
  busyMs: readonly number[] = [];

  beginCall(nowMs: number): number {
    this.callMs.push(nowMs);
    this.outcome.push(Outcome.pending);
    this.latencyMs.push(0);
    return this.callMs.length - 1;
  }

  endCall(call: number, outcome: Outcome, nowMs: number): void {
    this.outcome[call] = outcome;
    this.latencyMs[call] = nowMs - (this.callMs[call] as number);
  }

  countOf(outcome: Outcome): number {
    return this.outcome.reduce<number>((count, one) => (one === outcome ? count + 1 : count), 0);
  }
}
