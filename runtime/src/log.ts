/**
 * Logging as the services see it: an event in words and its numbers as fields. Hot paths count instead of logging; what is
 * logged is a transition (connected, disconnected, overloaded, restarted), once.
 */
import { type Logger as PinoLogger, pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger whose every line carries these fields too. */
  child(fields: LogFields): Logger;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export const LOG_FORMATS = ['auto', 'json', 'text'] as const;

export interface LogOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** auto: text on a terminal, JSON lines elsewhere. */
  readonly format: (typeof LOG_FORMATS)[number];
}

/** Writes to standard error, synchronously, so that the last words of a dying process are not lost. */
export async function createLogger(service: string, options: LogOptions): Promise<Logger> {
  const text = options.format === 'text' || (options.format === 'auto' && process.stderr.isTTY === true);
  const base = { level: options.level, base: { service, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime };
  if (!text)
    return wrap(pino({ ...base, formatters: { level: label => ({ level: label }) } }, pino.destination({ dest: 2, sync: true })));
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    destination: 2,
    sync: true,
    ignore: 'pid,hostname,service',
    translateTime: 'SYS:HH:MM:ss',
    messageFormat: '{service}: {msg}',
    singleLine: true,
  });
  return wrap(pino(base, stream));
}

function wrap(logger: PinoLogger): Logger {
  return {
    debug: (event, fields = {}) => logger.debug(fields, event),
    info: (event, fields = {}) => logger.info(fields, event),
    warn: (event, fields = {}) => logger.warn(fields, event),
    error: (event, fields = {}) => logger.error(fields, event),
    child: fields => wrap(logger.child(fields)),
  };
}

/** One line of log that has not been written yet: it crosses from a thread to the one that prints. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

/** A logger that hands its records to `write`: to another thread's mailbox, or to a test's array. */
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
