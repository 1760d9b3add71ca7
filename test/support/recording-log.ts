import { type Logger, type LogRecord, recordLogger } from '@lars/runtime/log';

export interface RecordingLog {
  readonly log: Logger;
  readonly records: readonly LogRecord[];
  /** What was logged, without its fields. */
  events(): string[];
}

/** A logger that prints nothing and remembers everything. */
export function recordingLog(): RecordingLog {
  const records: LogRecord[] = [];
  return { log: recordLogger(record => records.push(record)), records, events: () => records.map(record => record.event) };
}
