// pure
/** Which machines date their reports by a clock that differs from ours. */

/** The report with the largest lead tells the clock best: others were on their way, or waited for us. */
const WINDOW_SEC = 60;
/** So much may be the way of a report, or one that waits in the agent. */
const TOLERATED_SEC = 30;
const MAX_CALLERS = 10_000;

export interface ClockSkew {
  /** IPv4, as on the wire. */
  readonly caller: number;
  /** Below 0: behind. */
  readonly aheadSec: number;
}

interface Window {
  readonly sinceSec: number;
  readonly aheadSec: number;
}

interface Seen {
  current: Window;
  before: Window | undefined;
}

export class ClockSkews {
  readonly #callers = new Map<number, Seen>();

  /** @param ts when the report was made, by its machine's clock, unix seconds */
  note(caller: number, ts: number, nowSec: number): void {
    const aheadSec = ts - nowSec;
    const seen = this.#callers.get(caller);
    if (seen === undefined) {
      if (this.#callers.size >= MAX_CALLERS) this.#forgetSilent(nowSec);
      if (this.#callers.size < MAX_CALLERS)
        this.#callers.set(caller, { current: { sinceSec: nowSec, aheadSec }, before: undefined });
    } else if (nowSec - seen.current.sinceSec >= WINDOW_SEC) {
      seen.before = seen.current;
      seen.current = { sinceSec: nowSec, aheadSec };
    } else if (aheadSec > seen.current.aheadSec) seen.current = { ...seen.current, aheadSec };
  }

  /** Of those that were heard of in the last minutes, the one whose clock differs most; undefined where none differs much. */
  worst(nowSec: number): ClockSkew | undefined {
    let worst: ClockSkew | undefined;
    for (const [caller, { current, before }] of this.#callers) {
      // A first window that is not over may have nothing but what waited while the link was down.
      if (before === undefined && nowSec - current.sinceSec < WINDOW_SEC && current.aheadSec < 0) continue;
      if (isSilent(current, nowSec)) continue;
      const aheadSec = Math.max(current.aheadSec, before?.aheadSec ?? Number.NEGATIVE_INFINITY);
      if (Math.abs(aheadSec) > Math.max(TOLERATED_SEC, Math.abs(worst?.aheadSec ?? 0))) worst = { caller, aheadSec };
    }
    return worst;
  }

  #forgetSilent(nowSec: number): void {
    for (const [caller, { current }] of this.#callers) if (isSilent(current, nowSec)) this.#callers.delete(caller);
  }
}

function isSilent({ sinceSec }: Window, nowSec: number): boolean {
  return nowSec - sinceSec > 3 * WINDOW_SEC;
}
