// pure
/** A pause varies by this much to both sides, so that agents do not probe in step. */
const JITTER = 0.25;
/** A host begins with the shortest pause again when it was well for longer than this plus twice `pauseMs`, which is the longest pause once a probe was sent. */
const CALM_MS = 10_000;

export interface BackoffLimits {
  readonly probeBackoffMinMs: number;
  readonly probeBackoffMaxMs: number;
}

/** AD-10 (probe backoff). The ejections of one host: since when it is out, when it may be probed, and how often that has failed in a row. */
export class Ejection {
  #ejectedAtMs = Number.NEGATIVE_INFINITY;
  #heardSinceMs = Number.NEGATIVE_INFINITY;
  #endedMs = Number.NEGATIVE_INFINITY;
  /** Of the pause that runs, or of the last one. */
  #pauseStartMs = Number.NEGATIVE_INFINITY;
  #pauseMs = 0;
  #failuresInRow = 0;
  #probing = false;
  #isEjected = false;
  #forSilence = false;
  /** AD-12 (probation): from the end of an ejection until the evidence is gone. */
  onProbation = false;

  get isEjected(): boolean {
    return this.#isEjected;
  }

  /** Whether the last failure before the ejection was a lost call: any answer says that the host is back. */
  get forSilence(): boolean {
    return this.#forSilence;
  }

  get ejectedAtMs(): number {
    return this.#ejectedAtMs;
  }

  /** Reports of calls sent before this are ignored: the ejection, or the last failed probe. */
  get heardSinceMs(): number {
    return this.#heardSinceMs;
  }

  get pauseMs(): number {
    return this.#pauseMs;
  }

  /** Ejections and failed probes since the host was last well for long. */
  get failuresInRow(): number {
    return this.#failuresInRow;
  }

  /** Has a probe been sent in this pause? Its failure begins the next one. */
  get probing(): boolean {
    return this.#probing;
  }

  start(limits: BackoffLimits, forSilence: boolean, random: () => number, nowMs: number): void {
    if (nowMs - this.#endedMs > CALM_MS + 2 * this.#pauseMs) this.#failuresInRow = 0;
    this.onProbation = false;
    this.#isEjected = true;
    this.#forSilence = forSilence;
    this.#ejectedAtMs = nowMs;
    this.#heardSinceMs = nowMs;
    this.#pause(limits, random, nowMs);
  }

  probeFailed(limits: BackoffLimits, random: () => number, nowMs: number): void {
    this.#heardSinceMs = nowMs;
    this.#pause(limits, random, nowMs);
  }

  end(nowMs: number): void {
    this.#endedMs = nowMs;
    this.#isEjected = false;
    this.onProbation = true;
    this.#probing = false;
  }

  /** How long until it may be probed; 0 = now. */
  probeInMs(nowMs: number): number {
    return Math.max(0, this.#pauseStartMs + this.#pauseMs - nowMs);
  }

  isProbeDue(nowMs: number): boolean {
    return nowMs - this.#pauseStartMs >= this.#pauseMs;
  }

  /** Until the report comes, or for the longest pause if it does not, there is no other probe. */
  probeSent({ probeBackoffMaxMs }: BackoffLimits, nowMs: number): void {
    this.#probing = true;
    this.#pauseStartMs = nowMs;
    this.#pauseMs = probeBackoffMaxMs;
  }

  #pause({ probeBackoffMinMs, probeBackoffMaxMs }: BackoffLimits, random: () => number, nowMs: number): void {
    this.#probing = false;
    this.#pauseStartMs = nowMs;
    this.#pauseMs =
      Math.min(probeBackoffMaxMs, probeBackoffMinMs * 2 ** this.#failuresInRow) * (1 - JITTER + 2 * JITTER * random());
    this.#failuresInRow += 1;
  }
}
