/** The logger of a process, on pino. It is separate from log.ts, so that a thread which only posts its records does not load pino. */
import { type Logger as PinoLogger, pino } from 'pino';
import type { Logger } from './log.ts';
import { type LogLevel, logLevelOf } from './log-level.ts';
import type { LogOptions } from './log-options.ts';
import { standardError } from './standard-error.ts';
import { requireLimits } from './start-limits.ts';

/** Makes of pino's JSON line what stands in the log. */
type Format = (line: string) => string;

/**
 * Writes to standard error before it returns, so that the last lines of a dying process are not lost; unless it cannot be written to:
 * log-output.ts says what becomes of the lines then.
 * @throws {StartupError} when the process may use too little for the service: its log is the first thing that it has
 */
export async function createLogger(service: string, options: LogOptions): Promise<Logger> {
  requireLimits(service);
  const isText = options.format === 'text' || (options.format === 'auto' && process.stderr.isTTY === true);
  const format = isText ? await textFormat() : (line: string) => line;
  const base = {
    // What is written is decided by a level that may change, before pino is called.
    level: 'debug',
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    // The text has the numbers of levels, of which it makes colored names.
    ...(isText ? {} : { formatters: { level: (label: string) => ({ level: label }) } }),
  };
  const output = standardError();
  output.dropNote = lines => {
    let note = '';
    const write = (line: string) => {
      note = format(line);
    };
    pino(base, { write }).warn({ lines }, `${lines} lines were dropped`);
    return note;
  };
  return wrap(pino(base, { write: line => output.write(format(line)) }), logLevelOf(options));
}

async function textFormat(): Promise<Format> {
  const { prettyFactory, isColorSupported } = await import('pino-pretty');
  const pretty = prettyFactory({
    colorize: isColorSupported,
    ignore: 'pid,hostname,service',
    translateTime: 'SYS:HH:MM:ss',
    messageFormat: '{service}: {msg}',
    singleLine: true,
  });
  return line => pretty(line) ?? '';
}

function wrap(logger: PinoLogger, level: LogLevel): Logger {
  const at =
    (of: 'debug' | 'info' | 'warn' | 'error') =>
    (event: string, fields = {}) => {
      if (level.isOn(of)) logger[of](fields, event);
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: fields => wrap(logger.child(fields), level),
  };
}
