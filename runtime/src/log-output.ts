/** Where the log's lines leave the process. Whoever reads them may stop, and a disk may be full: serving goes on all the same. */
import { defineCounters, SharedCounters } from './counters.ts';

/** Lines that wait for a reader who is slow for a moment; a service that is well writes so much in hours. */
const MAX_WAITING_BYTES = 256 * 1024;
const RETRY_MS = 100;
/** A disk that is full stays full for a while. */
const RETRY_MAX_MS = 1_000;
/** The last words of a process wait so long for their reader. */
const LAST_WORDS_MS = 300;
const LAST_WORDS_PAUSE_MS = 10;

export const logCounterSet = defineCounters({
  linesDropped: 'Lines of the log that were dropped, because nobody read the log or its disk was full',
  writeErrors: 'Attempts to write the log that failed for another reason than a reader that is behind',
});

export interface LogOutputDeps {
  /** Writes what can be written without waiting, and returns how many bytes that was; throws when it cannot write now. */
  readonly write: (bytes: Uint8Array) => number;
  readonly maxWaitingBytes?: number;
  readonly counters: SharedCounters<keyof typeof logCounterSet.at>;
}

/**
 * Writes each line at once while that is possible. What cannot be written waits, up to a limit; then the oldest lines are dropped, and a
 * line says how many as soon as one can be written again.
 */
export class LogOutput {
  readonly #deps: LogOutputDeps;
  readonly #maxWaitingBytes: number;
  /** The first one may be written in part. */
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isFirstBegun = false;
  #dropped = 0;
  #retryMs = RETRY_MS;
  #timer: NodeJS.Timeout | undefined;
  /** The line that says how many lines were dropped, in the form of the log; the process's loggers have one form. */
  dropNote: (lines: number) => string = lines => `${lines} lines were dropped\n`;

  constructor(deps: LogOutputDeps) {
    this.#deps = deps;
    this.#maxWaitingBytes = deps.maxWaitingBytes ?? MAX_WAITING_BYTES;
  }

  /** Never blocks and never throws. */
  write(line: string): void {
    this.#waiting.push(Buffer.from(line));
    this.#waitingBytes += (this.#waiting.at(-1) as Uint8Array).length;
    // A timer runs while the last attempt failed: the next one is its own, or a log in trouble would cost a failed write for each line.
    if (this.#timer === undefined) this.#flush();
    while (this.#waitingBytes > this.#maxWaitingBytes && this.#dropOldest());
  }

  /** Waits for the reader, but not for long: for the end of the process alone, which has nothing else to do. */
  writeLastWords(): void {
    clearTimeout(this.#timer);
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let waitedMs = 0; !this.#writeAll() && waitedMs < LAST_WORDS_MS; waitedMs += LAST_WORDS_PAUSE_MS) {
      Atomics.wait(pause, 0, 0, LAST_WORDS_PAUSE_MS);
    }
  }

  #flush(): void {
    this.#timer = undefined;
    if (this.#writeAll()) {
      this.#retryMs = RETRY_MS;
      return;
    }
    // Nothing is to be kept running by its log.
    this.#timer = setTimeout(() => this.#flush(), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
  }

  /** @returns whether nothing waits any more */
  #writeAll(): boolean {
    while (this.#waiting.length > 0) {
      if (this.#dropped > 0 && !this.#isFirstBegun) this.#putDropNote();
      const first = this.#waiting[0] as Uint8Array;
      const written = this.#writeSome(first);
      this.#waitingBytes -= written;
      if (written < first.length) {
        this.#isFirstBegun ||= written > 0;
        this.#waiting[0] = first.subarray(written);
        return false;
      }
      this.#waiting.shift();
      this.#isFirstBegun = false;
      this.#retryMs = RETRY_MS;
    }
    return true;
  }

  #writeSome(bytes: Uint8Array): number {
    try {
      return this.#deps.write(bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.#deps.counters.add(logCounterSet.at.writeErrors);
      return 0;
    }
  }

  /** It stands where the dropped lines would, and is not dropped itself: with it the count would be lost. */
  #putDropNote(): void {
    const note = Buffer.from(this.dropNote(this.#dropped));
    this.#waiting.unshift(note);
    this.#waitingBytes += note.length;
    this.#isFirstBegun = true;
    this.#dropped = 0;
  }

  /** @returns false when there is none that may be dropped: half a line is finished, and the last one is kept */
  #dropOldest(): boolean {
    const at = this.#isFirstBegun ? 1 : 0;
    if (this.#waiting.length <= at + 1) return false;
    const [line] = this.#waiting.splice(at, 1);
    this.#waitingBytes -= (line as Uint8Array).length;
    this.#dropped += 1;
    this.#deps.counters.add(logCounterSet.at.linesDropped);
    return true;
  }
}

/** What /metrics shows of this process's log. */
export const logCounters = new SharedCounters(logCounterSet);
