// pure
import type { ClassicCause } from '../balancer.ts';
import { COMMON_SLOTS, HostSlots, type SlotLayout } from '../host-slots.ts';
import type { ClassicOptions } from './options.ts';

/** A failure counts once per this much time that it took, ... (LB-6) */
const FAILURE_UNIT_MS = 100;
/** ... but not more often than this. */
const MAX_FAILURES_PER_CALL = 50;

// The slots of each host (LB-6 to LB-10), and at the end the initial value of each; see host-slots.ts.
/** 0 or 1. */
const EJECTED = COMMON_SLOTS.length;
const REAL_SUCC = EJECTED + 1;
const REAL_ERR = REAL_SUCC + 1;
const SUCC_RUN = REAL_ERR + 1;
const ERR_RUN = SUCC_RUN + 1;
const BAD_WINDOWS = ERR_RUN + 1;
/** When the healthy window or the overload began. */
const SINCE_MS = BAD_WINDOWS + 1;

const NEW_ROW: readonly number[] = [...COMMON_SLOTS, 0, 0, 0, 0, 0, 0, Number.NEGATIVE_INFINITY];

const SLOTS: SlotLayout = { module: [], pick: [], row: NEW_ROW };

/**
 * What the classic rules remember of a module's hosts and how they evaluate them (LB-6 to LB-10). "Virtual" counts begin with a handicap, so
 * that few calls prove little; "real" ones count only what was reported. Both begin again together, so a virtual count is the real one and its
 * handicap, and is not kept.
 */
export class HostPeriods {
  readonly slots = new HostSlots(SLOTS);

  isEjected(host: number): boolean {
    return this.#slot(host, EJECTED) === 1;
  }

  /** LB-1: its first window begins. */
  begin(host: number, nowMs: number): void {
    this.#startAgain(host, nowMs);
  }

  /** LB-6 */
  record(host: number, ok: boolean, tcostMs: number | undefined, options: ClassicOptions): void {
    this.slots.countCall(host, ok, tcostMs);
    if (ok) {
      this.#add(host, REAL_SUCC, 1);
      this.#add(host, SUCC_RUN, 1);
      this.#set(host, ERR_RUN, 0);
    } else {
      const failures = options.tcostAmplify && tcostMs !== undefined ? failuresFor(tcostMs) : 1;
      this.#add(host, REAL_ERR, failures);
      this.#add(host, ERR_RUN, failures);
      this.#set(host, SUCC_RUN, 0);
    }
  }

  /**
   * Judges the host after a recorded report; ends a window that is due and goes unpunished (LB-9).
   * @returns why the host must change sides now, or undefined
   */
  evaluate(host: number, ok: boolean, options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    return this.isEjected(host)
      ? this.#evaluateEjected(host, ok, options, nowMs)
      : this.#evaluateHealthy(host, ok, options, nowMs);
  }

  /** LB-10 */
  becomeHealthy(host: number, nowMs: number): void {
    this.#set(host, EJECTED, 0);
    this.#startAgain(host, nowMs);
  }

  /** LB-10 */
  becomeEjected(host: number, nowMs: number): void {
    this.#set(host, EJECTED, 1);
    this.#set(host, BAD_WINDOWS, 0);
    this.#startAgain(host, nowMs);
  }

  /** What a transition was decided by. `stateMs` is the age of the healthy window or of the overload. */
  numbers(host: number, options: ClassicOptions, nowMs: number): Record<string, number> {
    return {
      virtualSucc: this.#virtualSucc(host, options),
      virtualErr: this.#virtualErr(host, options),
      realSucc: this.#slot(host, REAL_SUCC),
      realErr: this.#slot(host, REAL_ERR),
      succRun: this.#slot(host, SUCC_RUN),
      errRun: this.#slot(host, ERR_RUN),
      badWindows: this.#slot(host, BAD_WINDOWS),
      stateMs: this.#ageMs(host, nowMs),
    };
  }

  #evaluateHealthy(host: number, ok: boolean, options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    // LB-7
    if (!ok) {
      if (share(this.#virtualErr(host, options), this.#virtualSucc(host, options)) > options.errRate) return 'error-rate';
      if (this.#slot(host, ERR_RUN) >= options.continErrLimit) return 'failure-run';
    }
    return this.#ageMs(host, nowMs) >= options.idleTimeoutMs ? this.#endWindow(host, options, nowMs) : undefined;
  }

  #evaluateEjected(host: number, ok: boolean, options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    // LB-8
    if (ok) {
      if (share(this.#virtualSucc(host, options), this.#virtualErr(host, options)) > options.succRate) return 'success-rate';
      if (this.#slot(host, SUCC_RUN) >= options.continSuccLimit) return 'success-run';
    }
    // LB-9
    return this.#ageMs(host, nowMs) >= options.overloadTimeoutMs ? 'overload-timeout' : undefined;
  }

  /** LB-9. The report that ends a window belongs to it, so a window has at least one real call. */
  #endWindow(host: number, options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    const isBad = share(this.#slot(host, REAL_ERR), this.#slot(host, REAL_SUCC)) >= options.windowErrRate;
    this.#set(host, BAD_WINDOWS, isBad ? this.#slot(host, BAD_WINDOWS) + 1 : 0);
    if (this.#slot(host, BAD_WINDOWS) >= options.windowErrLimit) return 'window-error-rate';
    this.#startAgain(host, nowMs);
    return undefined;
  }

  /** LB-10: healthy windows begin with successes, ... */
  #virtualSucc(host: number, { initSuccCnt }: ClassicOptions): number {
    return this.#slot(host, REAL_SUCC) + (this.isEjected(host) ? 0 : initSuccCnt);
  }

  /** ... overloads with errors. */
  #virtualErr(host: number, { initErrCnt }: ClassicOptions): number {
    return this.#slot(host, REAL_ERR) + (this.isEjected(host) ? initErrCnt : 0);
  }

  #ageMs(host: number, nowMs: number): number {
    return nowMs - this.#slot(host, SINCE_MS);
  }

  #startAgain(host: number, nowMs: number): void {
    const row = this.slots.row(host);
    this.slots.values.fill(0, row + REAL_SUCC, row + ERR_RUN + 1);
    this.slots.values[row + SINCE_MS] = nowMs;
  }

  #slot(host: number, at: number): number {
    return this.slots.values[this.slots.row(host) + at] as number;
  }

  #set(host: number, at: number, value: number): void {
    this.slots.values[this.slots.row(host) + at] = value;
  }

  #add(host: number, at: number, amount: number): void {
    this.#set(host, at, this.#slot(host, at) + amount);
  }
}

function failuresFor(tcostMs: number): number {
  return Math.max(1, Math.min(MAX_FAILURES_PER_CALL, Math.floor(tcostMs / FAILURE_UNIT_MS)));
}

function share(part: number, rest: number): number {
  return part / (part + rest);
}
