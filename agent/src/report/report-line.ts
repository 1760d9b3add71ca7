// pure
/**
 * What is sent to one reporter, in order: first what earlier runs of the agent left, each under its own name and numbers, then the reports of
 * this run. One at a time, because the reporter says at once whether it acknowledges, but only for the first name on a connection.
 */
import type { StatusReport } from '../threads/messages.ts';
import type { ReportOutbox } from './report-outbox.ts';

export class ReportLine {
  readonly #waiting: ReportOutbox[];
  readonly #own: ReportOutbox;
  #isLinkUp = false;

  /** @param earlier what earlier runs left, the oldest first */
  constructor(earlier: readonly ReportOutbox[], own: ReportOutbox) {
    this.#waiting = [...earlier];
    this.#own = own;
  }

  get isLinkUp(): boolean {
    return this.#isLinkUp;
  }

  /** Reports that the reporter may not have. */
  get openCount(): number {
    return this.#all.reduce((sum, { openCount }) => sum + openCount, 0);
  }

  /** How many of these are of earlier runs. */
  get earlierCount(): number {
    return this.openCount - this.#own.openCount;
  }

  /** How many the reporter may have already, or are of earlier runs: no other reporter is sent these. */
  get owedCount(): number {
    return this.earlierCount + this.#own.numberedCount;
  }

  add(report: StatusReport, nowMs: number): void {
    this.#own.add(report, nowMs);
  }

  /** Another reporter is used from now on, and takes what is unsent. */
  moveUnsentTo(other: ReportLine, nowMs: number): void {
    other.#own.addUnsent(this.#own.takeUnsent(), nowMs);
  }

  /** Is an acknowledgement due for so long, of a reporter that is known to give them? */
  isSilent(nowMs: number, ms: number): boolean {
    return this.#current.isSilent(nowMs, ms);
  }

  onLinkUp(nowMs: number): void {
    this.#isLinkUp = true;
    this.#current.onLinkUp(nowMs);
    this.#advance(nowMs);
  }

  onLinkDown(): void {
    this.#isLinkUp = false;
    for (const outbox of this.#all) outbox.onLinkDown();
  }

  onAck(agent: string, seq: number, nowMs: number): void {
    this.#current.onAck(agent, seq, nowMs);
    this.#advance(nowMs);
  }

  /** @returns true when the link should be given up */
  checkOverdue(nowMs: number): boolean {
    const isOverdue = this.#current.checkOverdue(nowMs);
    this.#advance(nowMs);
    return isOverdue;
  }

  /** Nothing comes any more: sends all, and numbers what cannot be sent now. */
  drain(nowMs: number): void {
    this.#own.drain(nowMs);
  }

  /** What the reporter may not have, as frames, for the next run. All that is unsent was numbered by `drain`. */
  openFrames(): Uint8Array[] {
    return this.#all.flatMap(outbox => outbox.openFrames());
  }

  get #all(): readonly ReportOutbox[] {
    return [...this.#waiting, this.#own];
  }

  get #current(): ReportOutbox {
    return this.#waiting[0] ?? this.#own;
  }

  /** The next one's turn, when the reporter has all of the one before. */
  #advance(nowMs: number): void {
    while (this.#waiting[0]?.openCount === 0) {
      this.#waiting.shift();
      if (this.#isLinkUp) this.#current.takeLink(nowMs);
    }
  }
}
