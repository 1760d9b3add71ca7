// pure
/** What became of a thread of a server. */
export interface ThreadEvent {
  /**
   * started: it serves, for the first time or again. died: its connections were reset, and it is started again. given_up: it died too often, and is not.
   * hangs: it has connections, and computes or waits for seconds without serving them. goes_on: it does so no more.
   */
  readonly kind: 'started' | 'died' | 'given_up' | 'hangs' | 'goes_on';
  /** Counted from 0. */
  readonly thread: number;
}

type HealthChange = 'hangs' | 'goes_on' | 'too_long';

/** A thread that has connections and has not looked after itself for so long hangs. */
const HANG_MS = 2_000;
/** So many looks in a row have to find it so: right after the whole process stood still, nobody has moved. */
const LOOKS = 3;

/** Whether one thread hangs, by how often it looks after itself. */
export class ThreadHealth {
  readonly #limitMs: number;
  #beats = -1;
  #sinceMs = 0;
  #looks = 0;
  #isHanging = false;
  #isTold = false;

  /** @param limitMs what is too long; 0 = nothing is */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  get isHanging(): boolean {
    return this.#isHanging;
  }

  /** Another thread has its place. */
  reset(): void {
    this.#beats = -1;
    this.#isHanging = false;
    this.#isTold = false;
  }

  /** @returns what has changed since the last look */
  look(
    { connections, beats }: { readonly connections: number; readonly beats: number },
    nowMs: number,
  ): HealthChange | undefined {
    if (connections === 0 || beats !== this.#beats) {
      this.#beats = beats;
      this.#sinceMs = nowMs;
      this.#looks = 0;
      const went = this.#isHanging;
      this.#isHanging = false;
      return went ? 'goes_on' : undefined;
    }
    this.#looks += 1;
    const ms = nowMs - this.#sinceMs;
    if (this.#looks < LOOKS || ms < HANG_MS) return undefined;
    if (!this.#isHanging) {
      this.#isHanging = true;
      return 'hangs';
    }
    if (this.#limitMs === 0 || ms < this.#limitMs || this.#isTold) return undefined;
    this.#isTold = true;
    return 'too_long';
  }
}
