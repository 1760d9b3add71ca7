// pure
import type { CountedReport } from '../history/call-history.ts';
import { MergedBatch } from './merged-batch.ts';

export interface WriteQueueLimits {
  /** The queue is full when this many rows or reports wait, those of the batch that is being written among them. */
  readonly maxRows: number;
  /** A batch with this many rows takes no further report. */
  readonly batchMaxRows: number;
}

/**
 * Reports on their way into the tables: batches in the order of arrival. The youngest is open and merges what comes; the oldest
 * is the one being written, and stays until it is stored. Nothing is ever dropped: the service stops reading when the queue is full.
 */
export class WriteQueue {
  readonly #limits: WriteQueueLimits;
  #open = new MergedBatch();
  readonly #sealed: MergedBatch[] = [];
  #sealedRows = 0;
  #sealedReports = 0;

  constructor(limits: WriteQueueLimits) {
    this.#limits = limits;
  }

  get rows(): number {
    return this.#sealedRows + this.#open.rows;
  }

  get reports(): number {
    return this.#sealedReports + this.#open.reports;
  }

  /** No further report should be added, though a report that cannot wait may be. */
  get full(): boolean {
    return this.rows >= this.#limits.maxRows || this.reports >= this.#limits.maxRows;
  }

  /** Half empty: the service may read reports again. */
  get relieved(): boolean {
    return this.rows <= this.#limits.maxRows / 2 && this.reports <= this.#limits.maxRows / 2;
  }

  /** A batch has as many rows as it may: there is no use in waiting. */
  get due(): boolean {
    return this.#sealed.length > 0;
  }

  add(report: CountedReport): void {
    // A report without rows and without a number to acknowledge needs no write.
    if (report.results.length === 0 && report.agent === '') return;
    this.#open.add(report);
    if (this.#open.rows >= this.#limits.batchMaxRows) this.#seal();
  }

  /** The batch to write now, the same one until `drop`; undefined when nothing waits. */
  head(): MergedBatch | undefined {
    if (this.#sealed.length === 0 && this.#open.reports > 0) this.#seal();
    return this.#sealed[0];
  }

  /** The head is stored. */
  drop(): void {
    const stored = this.#sealed.shift();
    if (stored === undefined) return;
    this.#sealedRows -= stored.rows;
    this.#sealedReports -= stored.reports;
  }

  #seal(): void {
    this.#sealed.push(this.#open);
    this.#sealedRows += this.#open.rows;
    this.#sealedReports += this.#open.reports;
    this.#open = new MergedBatch();
  }
}
