import { runUntilStopped, type Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { ExitCode } from '../exit-code.ts';
import type { BufferedLog } from './buffered-log.ts';

export interface Foreground {
  /** In the order in which they are stopped. */
  readonly services: readonly Service[];
  readonly log: Logger;
  readonly bufferedLogs: readonly BufferedLog[];
  /** Prints what is ready. A program that reads it may send a signal at once. */
  announce(): void;
}

/** Announces services that are ready, then runs them until a signal or a failure ends them. */
export async function runInForeground({ services, log, bufferedLogs, announce }: Foreground): Promise<ExitCode> {
  const ended = runUntilStopped(services, log);
  announce();
  for (const buffered of bufferedLogs) buffered.release();
  return (await ended) === 0 ? ExitCode.Ok : ExitCode.Failed;
}
