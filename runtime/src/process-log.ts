/** The logger of a process, on pino. It is separate from log.ts, so that a thread which only posts its records does not load pino. */
import { type Logger as PinoLogger, pino } from 'pino';
import type { Logger } from './log.ts';
import type { LogOptions } from './log-options.ts';

/** Writes to standard error, synchronously, so that the last lines of a dying process are not lost. */
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
