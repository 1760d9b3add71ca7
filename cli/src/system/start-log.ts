import type { LogOptions } from '@lars/runtime/log-options';
import { createLogger } from '@lars/runtime/process-log';
import { type HeldLog, holdLog } from './held-log.ts';

/** The log of a service that is being started: held until it is ready, unless whoever runs it wants to see everything. */
export async function startLog(service: string, options: LogOptions): Promise<HeldLog> {
  const log = await createLogger(service, options);
  return options.level === 'debug' ? { log, release: () => undefined } : holdLog(log);
}
