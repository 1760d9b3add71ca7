// pure
/** Counts of calls to one host, as a report has them. */
export interface CallCounts {
  readonly succ: number;
  readonly err: number;
  readonly tcostMs: number;
}

/**
 * Turns counters that grow until they start again from zero into increases, as Prometheus does. The deployed agents send such
 * counters: they count since the host's window began, and start again at its end and whenever the host changes its state.
 *
 * The last counts of at most `maxKeys` keys are remembered; the key that was reported least recently is forgotten first, and counts
 * from zero when it comes back.
 */
export class CumulativeCounters {
  readonly #maxKeys: number;
  /** In the order of the last reports: the first one is the oldest. */
  readonly #lastCounts = new Map<string, RawCounts>();
  #evictions = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#lastCounts.size;
  }

  /** How many keys were forgotten to make room. */
  get evictions(): number {
    return this.#evictions;
  }

  /** What was counted under `key` since its last report. */
  deltaSince(key: string, now: CallCounts, overload: boolean): CallCounts {
    const before = this.#lastCounts.get(key);
    this.#remember(key, { succ: now.succ, err: now.err, tcostMs: now.tcostMs, overload }, before !== undefined);
    if (before === undefined || startedAgain(before, now, overload)) return now;
    return { succ: now.succ - before.succ, err: now.err - before.err, tcostMs: now.tcostMs - before.tcostMs };
  }

  #remember(key: string, counts: RawCounts, known: boolean): void {
    if (known) this.#lastCounts.delete(key);
    else if (this.#lastCounts.size >= this.#maxKeys) this.#forgetOldest();
    this.#lastCounts.set(key, counts);
  }

  #forgetOldest(): void {
    const oldest = this.#lastCounts.keys().next();
    if (oldest.done) return;
    this.#lastCounts.delete(oldest.value);
    this.#evictions += 1;
  }
}

interface RawCounts extends CallCounts {
  readonly overload: boolean;
}

function startedAgain(before: RawCounts, now: CallCounts, overload: boolean): boolean {
  return overload !== before.overload || now.succ < before.succ || now.err < before.err || now.tcostMs < before.tcostMs;
}
