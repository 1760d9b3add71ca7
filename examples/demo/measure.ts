// pure
/** Which share of the calls each host gets, and how long a trouble of one host affects it. */

/**
 * Counts calls per host in a window that slides with time: a call counts while it is at most `windowMs` old. Hosts are numbers
 * 0, 1, 2 ... It has as many entries as calls fall into a window. Times must not go backwards.
 */
export class SlidingShares {
  readonly #windowMs: number;
  readonly #counts: number[];
  #calls: { readonly host: number; readonly atMs: number }[] = [];
  /** Where the window begins in #calls; earlier calls are forgotten, and cut off now and then. */
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

  /** How many calls are in the window. */
  total(nowMs: number): number {
    this.#forget(nowMs);
    return this.#calls.length - this.#head;
  }

  /** 0..1; undefined while no call is in the window. */
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

/** What a trouble of one host did to its share. Times in ms; undefined: it has not come to that. */
export interface ShareNumbers {
  /** From the trouble's begin until the share was below half of the usual one, ... */
  readonly belowHalfMs: number | undefined;
  /** ... and below a quarter of it. */
  readonly belowQuarterMs: number | undefined;
  /** The lowest share that was seen while the trouble lasted, 0..1. */
  readonly lowestShare: number | undefined;
  /** From the trouble's end until the share, once it had been below half of the usual one, was above that again. */
  readonly backMs: number | undefined;
}

export const NO_SHARE_NUMBERS: ShareNumbers = {
  belowHalfMs: undefined,
  belowQuarterMs: undefined,
  lowestShare: undefined,
  backMs: undefined,
};

/** Watches the share of one host from the begin of its trouble on, and when the trouble is over. */
export class ShareWatch {
  readonly #usualShare: number;
  #state: { readonly kind: 'troubled' | 'well again'; readonly sinceMs: number };
  #numbers = NO_SHARE_NUMBERS;

  /** @param usualShare what the host gets while all is well, 0..1 */
  constructor(usualShare: number, nowMs: number) {
    this.#usualShare = usualShare;
    this.#state = { kind: 'troubled', sinceMs: nowMs };
  }

  get numbers(): ShareNumbers {
    return this.#numbers;
  }

  troubleEnded(nowMs: number): void {
    this.#state = { kind: 'well again', sinceMs: nowMs };
  }

  /** The host's share as it is now; undefined, which says nothing, is ignored. */
  observe(share: number | undefined, nowMs: number): void {
    if (share === undefined) return;
    const passedMs = nowMs - this.#state.sinceMs;
    if (this.#state.kind === 'troubled') this.#observeTroubled(share, passedMs);
    else this.#observeAfterwards(share, passedMs);
  }

  #observeAfterwards(share: number, passedMs: number): void {
    const { belowHalfMs, backMs } = this.#numbers;
    if (belowHalfMs === undefined || backMs !== undefined || share <= this.#usualShare / 2) return;
    this.#numbers = { ...this.#numbers, backMs: passedMs };
  }

  #observeTroubled(share: number, passedMs: number): void {
    const { belowHalfMs, belowQuarterMs, lowestShare, backMs } = this.#numbers;
    this.#numbers = {
      belowHalfMs: belowHalfMs ?? (share < this.#usualShare / 2 ? passedMs : undefined),
      belowQuarterMs: belowQuarterMs ?? (share < this.#usualShare / 4 ? passedMs : undefined),
      lowestShare: Math.min(lowestShare ?? 1, share),
      backMs,
    };
  }
}
