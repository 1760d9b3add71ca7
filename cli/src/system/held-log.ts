// pure
import { type Logger, type LogRecord, recordLogger } from '@lars/runtime/log';

export interface HeldLog {
  readonly log: Logger;
  /** Writes what was held, and from now on everything at once. */
  release(): void;
}

const MAX_HELD = 1_000;

/**
 * A logger that keeps its records until it is released: what a starting system logs comes after the summary of what runs, and not
 * at all when it does not start, so that the one line which says why stands alone.
 */
export function holdLog(target: Logger): HeldLog {
  const held: LogRecord[] = [];
  let isHeld = true;
  const write = ({ level, event, fields }: LogRecord) => target[level](event, fields);
  const release = () => {
    isHeld = false;
    for (const record of held.splice(0)) write(record);
  };
  const log = recordLogger(record => {
    // A start that logs so much is in such trouble that its log is wanted.
    if (isHeld && held.length >= MAX_HELD) release();
    if (isHeld) held.push(record);
    else write(record);
  });
  return { log, release };
}
