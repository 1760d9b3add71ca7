// pure
/** Counts of calls to one host, as a report tells them. */
export interface CallCounts {
  readonly succ: number;
  readonly err: number;
  readonly tcostMs: number;
}

/**
 * Turns counters that grow until they start again from zero into increases, as Prometheus does. The deployed agents report so:
 * their counts stand since the host's window began, and start again at its end and whenever the host changes sides.
 *
 * Remembered is what was told last, for at most `maxKeys` keys; the least recently told is forgotten first, and counts from
 * zero when it comes back.
 */
export class CumulativeCounters {
  readonly #maxKeys: number;
  /** In the order of telling: the first one is the oldest. */
  readonly #told = new Map<string, Told>();
  #evictions = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#told.size;
  }

  /** How many keys were forgotten to make room. */
  get evictions(): number {
    return this.#evictions;
  }

  /** What was counted under `key` since it was told the last time. */
  increase(key: string, now: CallCounts, overload: boolean): CallCounts {
    const before = this.#told.get(key);
    this.#remember(key, { succ: now.succ, err: now.err, tcostMs: now.tcostMs, overload }, before !== undefined);
    if (before === undefined || startedAgain(before, now, overload)) return now;
    return { succ: now.succ - before.succ, err: now.err - before.err, tcostMs: now.tcostMs - before.tcostMs };
  }

  #remember(key: string, told: Told, known: boolean): void {
    if (known) this.#told.delete(key);
    else if (this.#told.size >= this.#maxKeys) this.#forgetOldest();
    this.#told.set(key, told);
  }

  #forgetOldest(): void {
    const oldest = this.#told.keys().next();
    if (oldest.done) return;
    this.#told.delete(oldest.value);
    this.#evictions += 1;
  }
}

interface Told extends CallCounts {
  readonly overload: boolean;
}

function startedAgain(before: Told, now: CallCounts, overload: boolean): boolean {
  return overload !== before.overload || now.succ < before.succ || now.err < before.err || now.tcostMs < before.tcostMs;
}
