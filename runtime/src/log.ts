// pure
/**
 * Logging as the services see it: an event in words and its numbers as fields. Hot paths count instead of logging; a
 * transition (connected, disconnected, ejected, restarted) is logged, once.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** What each line has of itself; a field of that name would stand in it twice. */
type OwnFields = 'level' | 'time' | 'pid' | 'msg';
export type LogFields = Readonly<Record<string, unknown>> & { readonly [Name in OwnFields]?: never };

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger whose every line carries these fields too. */
  child(fields: LogFields): Logger;
}

/** A line of the log that has not been printed yet: it is posted to the thread that prints. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** A logger that passes its records to `write`: to another thread's port, or to a test's array. */
export function recordLogger(write: (record: LogRecord) => void, bound: LogFields = {}): Logger {
  const at =
    (level: LogLevel) =>
    (event: string, fields: LogFields = {}) =>
      write({ level, event, fields: { ...bound, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: fields => recordLogger(write, { ...bound, ...fields }),
  };
}
