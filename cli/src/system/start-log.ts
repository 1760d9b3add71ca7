import type { LogOptions } from '@lars/runtime/log-options';
import { createLogger } from '@lars/runtime/process-log';
import { type BufferedLog, bufferLog } from './buffered-log.ts';

/** The log of a service that is being started: buffered until it is ready, unless its log level is debug. */
export async function startLog(service: string, options: LogOptions): Promise<BufferedLog> {
  const log = await createLogger(service, options);
  return options.level === 'debug' ? { log, release: () => undefined } : bufferLog(log);
}
