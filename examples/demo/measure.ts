// pure
/** Which share of the calls each host gets, and how long an outage of one host is felt. */

/**
 * Counts calls per host in a window that slides with time: a call counts while it is at most `windowMs` old. Hosts are numbers
 * 0, 1, 2 ... Holds as many entries as calls fall into a window. Times must not go backwards.
 */
export class SlidingShares {
  readonly #windowMs: number;
  readonly #counts: number[];
  #calls: { readonly host: number; readonly atMs: number }[] = [];
  /** Where the window begins in #calls; what lies before is forgotten, and cut off now and then. */
  #head = 0;

  constructor(hostCount: number, windowMs: number) {
    this.#windowMs = windowMs;
    this.#counts = Array(hostCount).fill(0);
  }

  /** A call to `host` began. */
  add(host: number, nowMs: number): void {
    this.#forget(nowMs);
    this.#calls.push({ host, atMs: nowMs });
    this.#count(host, 1);
  }

  /** How many calls the window holds. */
  total(nowMs: number): number {
    this.#forget(nowMs);
    return this.#calls.length - this.#head;
  }

  /** 0..1; undefined while the window holds no call at all. */
  share(host: number, nowMs: number): number | undefined {
    const total = this.total(nowMs);
    return total === 0 ? undefined : (this.#counts[host] ?? 0) / total;
  }

  #forget(nowMs: number): void {
    for (let call = this.#calls[this.#head]; call !== undefined; call = this.#calls[this.#head]) {
      if (nowMs - call.atMs <= this.#windowMs) break;
      this.#count(call.host, -1);
      this.#head += 1;
    }
    if (this.#head <= this.#calls.length / 2) return;
    this.#calls = this.#calls.slice(this.#head);
    this.#head = 0;
  }

  #count(host: number, by: number): void {
    this.#counts[host] = (this.#counts[host] ?? 0) + by;
  }
}

/** What an outage of one host did to its share. Times in ms; undefined: it has not come to that. */
export interface OutageNumbers {
  /** From the stop until its share was below half of its fair share, ... */
  readonly belowHalfMs: number | undefined;
  /** ... and below a quarter of it. */
  readonly belowQuarterMs: number | undefined;
  /** The lowest share that was seen while it was down, 0..1. */
  readonly lowestShare: number | undefined;
  /** From the restart until its share, once it had been below half of its fair share, was above that again. */
  readonly backMs: number | undefined;
}

type OutageState =
  | { readonly kind: 'up' }
  | { readonly kind: 'down'; readonly sinceMs: number }
  | { readonly kind: 'restarted'; readonly sinceMs: number };

/** Watches the share of one host that is stopped and later started again. */
export class OutageWatch {
  readonly #fairShare: number;
  #state: OutageState = { kind: 'up' };
  #numbers: OutageNumbers = { belowHalfMs: undefined, belowQuarterMs: undefined, lowestShare: undefined, backMs: undefined };

  /** @param fairShare what the host gets while all is well, 0..1 */
  constructor(fairShare: number) {
    this.#fairShare = fairShare;
  }

  get numbers(): OutageNumbers {
    return this.#numbers;
  }

  stopped(nowMs: number): void {
    this.#state = { kind: 'down', sinceMs: nowMs };
  }

  restarted(nowMs: number): void {
    this.#state = { kind: 'restarted', sinceMs: nowMs };
  }

  /** The host's share as it is now; undefined, which says nothing, is ignored. */
  observe(share: number | undefined, nowMs: number): void {
    if (share === undefined || this.#state.kind === 'up') return;
    const passedMs = nowMs - this.#state.sinceMs;
    if (this.#state.kind === 'down') this.#observeDown(share, passedMs);
    else this.#observeRestarted(share, passedMs);
  }

  #observeRestarted(share: number, passedMs: number): void {
    const { belowHalfMs, backMs } = this.#numbers;
    if (belowHalfMs === undefined || backMs !== undefined || share <= this.#fairShare / 2) return;
    this.#numbers = { ...this.#numbers, backMs: passedMs };
  }

  #observeDown(share: number, passedMs: number): void {
    const { belowHalfMs, belowQuarterMs, lowestShare, backMs } = this.#numbers;
    this.#numbers = {
      belowHalfMs: belowHalfMs ?? (share < this.#fairShare / 2 ? passedMs : undefined),
      belowQuarterMs: belowQuarterMs ?? (share < this.#fairShare / 4 ? passedMs : undefined),
      lowestShare: Math.min(lowestShare ?? 1, share),
      backMs,
    };
  }
}
