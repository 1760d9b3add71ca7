// pure
import { type HostAddress, type HostKey, hostKey } from '@lars/proto';
import type { HistoryRow } from '@lars/reporter';

export const MINUTE_SEC = 60;
/** However long the time is: the calls of each host are kept in so many steps at most. */
const MAX_STEPS = 120;

export interface CallCounts {
  readonly calls: number;
  readonly failures: number;
  /** Mean duration of a call, ms; 0 where no duration was told. */
  readonly meanMs: number;
}

export interface HostCalls extends CallCounts {
  readonly address: HostAddress;
  /** Calls in each step of the time, the first first. */
  readonly steps: readonly number[];
}

export interface MinuteCalls extends CallCounts {
  /** Unix seconds of its start. */
  readonly minute: number;
}

class Sums {
  #succ = 0;
  #err = 0;
  #tcostMs = 0;

  add({ succ, err, tcostMs }: Pick<HistoryRow, 'succ' | 'err' | 'tcostMs'>): void {
    this.#succ += succ;
    this.#err += err;
    this.#tcostMs += tcostMs;
  }

  get counts(): CallCounts {
    const calls = this.#succ + this.#err;
    return { calls, failures: this.#err, meanMs: calls === 0 ? 0 : this.#tcostMs / calls };
  }
}

/** Sums up rows of the history as they come. Its memory grows with the hosts and the minutes, not with the rows. */
export class CallSums {
  /** How long a step is, seconds: whole minutes. */
  readonly stepSec: number;
  readonly #fromSec: number;
  readonly #stepCount: number;
  readonly #all = new Sums();
  readonly #hosts = new Map<HostKey, { readonly address: HostAddress; readonly sums: Sums; readonly steps: number[] }>();
  readonly #minutes = new Map<number, Sums>();

  /** Of minutes that begin in [fromSec, toSec). */
  constructor(fromSec: number, toSec: number) {
    this.#fromSec = Math.floor(fromSec / MINUTE_SEC) * MINUTE_SEC;
    const minutes = Math.max(1, Math.ceil((toSec - this.#fromSec) / MINUTE_SEC));
    this.stepSec = Math.ceil(minutes / MAX_STEPS) * MINUTE_SEC;
    this.#stepCount = Math.ceil((minutes * MINUTE_SEC) / this.stepSec);
  }

  add(row: HistoryRow): void {
    this.#all.add(row);
    const { ip, port, addr } = row;
    const key = hostKey(row);
    const steps = () => new Array<number>(this.#stepCount).fill(0);
    const known = this.#hosts.get(key) ?? { address: { ip, port, addr }, sums: new Sums(), steps: steps() };
    this.#hosts.set(key, known);
    known.sums.add(row);
    const step = Math.floor((row.minute - this.#fromSec) / this.stepSec);
    known.steps[step] = (known.steps[step] ?? 0) + row.succ + row.err;
    const minute = this.#minutes.get(row.minute) ?? new Sums();
    this.#minutes.set(row.minute, minute);
    minute.add(row);
  }

  get all(): CallCounts {
    return this.#all.counts;
  }

  /** Those with the most calls first. */
  get hosts(): HostCalls[] {
    return Array.from(this.#hosts.values(), ({ address, sums, steps }) => ({ address, ...sums.counts, steps })).sort(
      (a, b) => b.calls - a.calls,
    );
  }

  get minutes(): MinuteCalls[] {
    return Array.from(this.#minutes, ([minute, sums]) => ({ minute, ...sums.counts })).sort((a, b) => a.minute - b.minute);
  }
}
