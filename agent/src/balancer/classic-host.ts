// pure
import type { HostInfo } from '@lars/proto';
import type { ClassicCause } from './balancer.ts';
import type { ClassicOptions } from './classic-options.ts';
import { UNCALLED } from './host-cells.ts';
import { type PastChange, TrackedHost } from './host-table.ts';
import type { RingMember } from './ring.ts';

/** A failure counts once per this much time that it took, ... (LB-6) */
const FAILURE_UNIT_MS = 100;
/** ... but not more often than this. */
const MAX_FAILURES_PER_CALL = 50;

/**
 * What the classic rules remember of one host and how they judge it (LB-6 to LB-10). "Virtual" counts begin with a handicap, so
 * that few calls prove little; "real" ones count only what was reported. Both begin again together, so a virtual count is the real one and its
 * handicap, and is not kept.
 */
export class ClassicHost extends TrackedHost implements RingMember<ClassicHost> {
  override overloaded = false;
  override last: PastChange | undefined = undefined;
  next: ClassicHost = this;
  previous: ClassicHost = this;
  /** LB-11: a host that drains is in neither list. */
  inList = false;
  #realSucc = 0;
  #realErr = 0;
  #succRun = 0;
  #errRun = 0;
  #badWindows = 0;
  /** When the idle window or the overload began. */
  #sinceMs: number;

  constructor(host: HostInfo, nowMs: number) {
    super(host, UNCALLED);
    this.#sinceMs = nowMs;
  }

  /** LB-6 */
  record(ok: boolean, tcostMs: number | undefined, options: ClassicOptions): void {
    this.countCall(ok, tcostMs);
    if (ok) {
      this.#realSucc += 1;
      this.#succRun += 1;
      this.#errRun = 0;
    } else {
      const failures = options.tcostAmplify && tcostMs !== undefined ? failuresFor(tcostMs) : 1;
      this.#realErr += failures;
      this.#errRun += failures;
      this.#succRun = 0;
    }
  }

  /**
   * Judges the host after a recorded report; ends a window that is due and goes unpunished (LB-9).
   * @returns why the host must change sides now, or undefined
   */
  judge(ok: boolean, options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    return this.overloaded ? this.#judgeOverloaded(ok, options, nowMs) : this.#judgeIdle(ok, options, nowMs);
  }

  /** LB-10 */
  becomeIdle(nowMs: number): void {
    this.overloaded = false;
    this.#startAgain(nowMs);
  }

  /** LB-10 */
  becomeOverloaded(nowMs: number): void {
    this.overloaded = true;
    this.#badWindows = 0;
    this.#startAgain(nowMs);
  }

  /** What a transition was decided by. `stateMs` is the age of the idle window or of the overload. */
  numbers(options: ClassicOptions, nowMs: number): Record<string, number> {
    return {
      virtualSucc: this.#virtualSucc(options),
      virtualErr: this.#virtualErr(options),
      realSucc: this.#realSucc,
      realErr: this.#realErr,
      succRun: this.#succRun,
      errRun: this.#errRun,
      badWindows: this.#badWindows,
      stateMs: nowMs - this.#sinceMs,
    };
  }

  protected override ownCells(): number[] {
    if (this.cells === UNCALLED) this.cells = this.cells.slice();
    return this.cells as number[];
  }

  #judgeIdle(ok: boolean, options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    // LB-7
    if (!ok) {
      if (share(this.#virtualErr(options), this.#virtualSucc(options)) > options.errRate) return 'error-rate';
      if (this.#errRun >= options.continErrLimit) return 'failure-run';
    }
    return nowMs - this.#sinceMs >= options.idleTimeoutMs ? this.#endWindow(options, nowMs) : undefined;
  }

  #judgeOverloaded(ok: boolean, options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    // LB-8
    if (ok) {
      if (share(this.#virtualSucc(options), this.#virtualErr(options)) > options.succRate) return 'success-rate';
      if (this.#succRun >= options.continSuccLimit) return 'success-run';
    }
    // LB-9
    return nowMs - this.#sinceMs >= options.overloadTimeoutMs ? 'overload-timeout' : undefined;
  }

  /** LB-9. The report that ends a window belongs to it, so a window has at least one real call. */
  #endWindow(options: ClassicOptions, nowMs: number): ClassicCause | undefined {
    const bad = share(this.#realErr, this.#realSucc) >= options.windowErrRate;
    this.#badWindows = bad ? this.#badWindows + 1 : 0;
    if (this.#badWindows >= options.windowErrLimit) return 'window-error-rate';
    this.#startAgain(nowMs);
    return undefined;
  }

  /** LB-10: idle windows begin with successes, ... */
  #virtualSucc({ initSuccCnt }: ClassicOptions): number {
    return this.overloaded ? this.#realSucc : initSuccCnt + this.#realSucc;
  }

  /** ... overloads with errors. */
  #virtualErr({ initErrCnt }: ClassicOptions): number {
    return this.overloaded ? initErrCnt + this.#realErr : this.#realErr;
  }

  #startAgain(nowMs: number): void {
    this.#realSucc = 0;
    this.#realErr = 0;
    this.#succRun = 0;
    this.#errRun = 0;
    this.#sinceMs = nowMs;
  }
}

function failuresFor(tcostMs: number): number {
  return Math.max(1, Math.min(MAX_FAILURES_PER_CALL, Math.floor(tcostMs / FAILURE_UNIT_MS)));
}

function share(part: number, rest: number): number {
  return part / (part + rest);
}
