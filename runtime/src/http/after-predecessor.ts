import { messageOf } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { HealthServer } from './health-server.ts';

export interface AfterPredecessorDeps {
  readonly log: Logger;
  /** Tries to open the port. */
  readonly start: () => Promise<HealthServer>;
  readonly nextTick: () => Promise<void>;
}

/** How often, a tick apart, a port is tried that the process before may have still. */
const TRIES = 50;

/**
 * Opens the HTTP port of a process that has taken over: it serves already, so that an error does not end it.
 * @param key the option or conf key of the port
 * @returns undefined when it goes without
 */
export async function startAfterPredecessor(
  key: string,
  { log, start, nextTick }: AfterPredecessorDeps,
): Promise<HealthServer | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === TRIES) {
        log.error(`${key} is not served`, { error: messageOf(error) });
        return undefined;
      }
    }
    await nextTick();
  }
}
