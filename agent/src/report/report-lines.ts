// pure
/**
 * A line for each reporter of the list. A report that was sent to one of them may be stored there, whatever became of the connection; so it stays in that
 * one's line, under its number, until that one says that it has it. What was not sent goes to the reporter that is used.
 */
import type { StatusReport } from '../threads/messages.ts';
import type { ReportLine } from './report-line.ts';

export class ReportLines {
  readonly #lines: readonly ReportLine[];
  #used = 0;

  /** @param lines in the order of the list; never none */
  constructor(lines: readonly ReportLine[]) {
    this.#lines = lines;
  }

  /** Reports that no reporter may have, or that only may be stored. */
  get openCount(): number {
    return this.#lines.reduce((sum, { openCount }) => sum + openCount, 0);
  }

  get(server: number): ReportLine {
    return this.#lines[server] as ReportLine;
  }

  add(report: StatusReport, nowMs: number): void {
    this.get(this.#used).add(report, nowMs);
  }

  /** A connection to the reporter stands: sends what is its own. */
  onLinkUp(server: number, nowMs: number): void {
    const line = this.get(server);
    if (!line.isLinkUp) line.onLinkUp(nowMs);
  }

  /** The reporter is used from now on; its connection stands. */
  use(server: number, nowMs: number): void {
    const before = this.get(this.#used);
    this.#used = server;
    this.onLinkUp(server, nowMs);
    if (before !== this.get(server)) before.moveUnsentTo(this.get(server), nowMs);
  }
}
