// pure
import { type Logger, type LogRecord, recordLogger } from '@lars/runtime/log';

export interface BufferedLog {
  readonly log: Logger;
  /** Writes what was buffered, and from now on everything at once. */
  release(): void;
}

const MAX_BUFFERED = 1_000;

/**
 * A logger that keeps its records until it is released: what a starting system logs comes after the summary of what runs, and not
 * at all when it does not start, so that the one line which says why stands alone.
 */
export function bufferLog(target: Logger): BufferedLog {
  const buffered: LogRecord[] = [];
  let isBuffering = true;
  const write = ({ level, event, fields }: LogRecord) => target[level](event, fields);
  const release = () => {
    isBuffering = false;
    for (const record of buffered.splice(0)) write(record);
  };
  const log = recordLogger(record => {
    // A start that logs this much is in such trouble that its log is wanted.
    if (isBuffering && buffered.length >= MAX_BUFFERED) release();
    if (isBuffering) buffered.push(record);
    else write(record);
  });
  return { log, release };
}
