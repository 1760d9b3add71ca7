// pure
import type { LogRecord } from '@lars/runtime/log';
import { type Decision, decisionText, isEjection } from './decision-words.ts';

/** A host was ejected or readmitted. `atMs`: monotonic. */
export interface PastDecision extends Decision {
  readonly atMs: number;
}

/** A host's trouble: see TroubleNumbers. */
interface TroubleSpan {
  readonly host: string | undefined;
  readonly beganMs: number;
  readonly lastedMs: number | undefined;
}

/** More than any story needs: a few for each trouble. */
const MAX_KEPT = 1_000;

/** What LARS logged that a spectator should see: hosts were ejected or readmitted, something went wrong. */
export class Decisions {
  readonly #maxLines: number;
  #lines: readonly string[] = [];
  #all: PastDecision[] = [];

  /** @param maxLines how many of the last ones are for the screen */
  constructor(maxLines: number) {
    this.#maxLines = maxLines;
  }

  /** The last few, in words, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The hosts that were ejected or readmitted, oldest first. After very many, the oldest are forgotten. */
  get all(): readonly PastDecision[] {
    return this.#all;
  }

  add(record: LogRecord, nowMs: number): void {
    const decision = decisionOf(record);
    if (decision !== undefined) {
      this.#all = [...this.#all, { ...decision, atMs: nowMs }].slice(-MAX_KEPT);
      this.#show(`${decision.host} ${decisionText(decision)}`);
    } else if (record.level === 'warn' || record.level === 'error') this.#show(warningOf(record));
  }

  /**
   * How long it took from the begin of a host's trouble until it was ejected, ms; undefined when it was not ejected while the trouble
   * lasted. Where no host was in trouble, until any was ejected.
   */
  takenOutMs({ host, beganMs, lastedMs = Number.POSITIVE_INFINITY }: TroubleSpan): number | undefined {
    const isMeant = (one: PastDecision) => (host === undefined || one.host === host) && isEjection(one);
    const out = this.#all.find(one => isMeant(one) && one.atMs >= beganMs);
    return out === undefined || out.atMs >= beganMs + lastedMs ? undefined : out.atMs - beganMs;
  }

  #show(line: string): void {
    this.#lines = [...this.#lines, `LARS: ${line}`].slice(-this.#maxLines);
  }
}

const DECISION_EVENT = /^host (\w+)$/;

function decisionOf({ event, fields }: LogRecord): Decision | undefined {
  const to = DECISION_EVENT.exec(event)?.[1];
  const { host, cause } = fields;
  if (to === undefined || typeof host !== 'string' || typeof cause !== 'string') return undefined;
  const numbers = Object.entries(fields).filter((field): field is [string, number] => typeof field[1] === 'number');
  return { host, to, cause, numbers: Object.fromEntries(numbers) };
}

function warningOf({ event, fields: { host, cause, error } }: LogRecord): string {
  return [event, ...[host, cause, error].filter(detail => detail !== undefined)].join(' ');
}
