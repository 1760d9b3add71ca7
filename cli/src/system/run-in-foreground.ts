import { runUntilStopped, type Service } from '@lars/runtime/lifecycle';
import type { Logger } from '@lars/runtime/log';
import { ExitCode } from '../exit-code.ts';
import type { HeldLog } from './held-log.ts';

export interface Foreground {
  /** In the order in which they are stopped. */
  readonly services: readonly Service[];
  readonly log: Logger;
  readonly heldLogs: readonly HeldLog[];
  /** Says what is ready. Whoever reads it may send a signal at once. */
  announce(): void;
}

/** Announces services that are ready, then runs them until a signal or a failure ends them. */
export async function runInForeground({ services, log, heldLogs, announce }: Foreground): Promise<ExitCode> {
  const ended = runUntilStopped(services, log);
  announce();
  for (const held of heldLogs) held.release();
  return (await ended) === 0 ? ExitCode.Ok : ExitCode.Failed;
}
