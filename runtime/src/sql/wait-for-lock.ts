import { setTimeout as delay } from 'node:timers/promises';
import { SqliteError } from 'better-sqlite3';

export interface LockWait {
  /** Named to people. */
  readonly file: string;
  readonly giveUpMs: number;
  /** Called once, after a second; without it, the line goes to standard error. */
  readonly onWaiting?: (text: string) => void;
  /** Ends the wait. */
  readonly isStopped?: () => boolean;
}

const RETRY_MS = 5;
/** Nobody has to be told of a shorter wait. */
const TELL_AFTER_MS = 1_000;

/**
 * Tries again while another connection has locked the database. SQLite's own busy timeout would block the thread meanwhile, in which the
 * lock's holder may be another connection of this process, and which may have agents to serve and signals to hear.
 * @throws what `work` throws; after `giveUpMs` the error that says that it is locked
 */
export async function waitForLock<T>(
  { file, giveUpMs, onWaiting = tellOnStderr, isStopped = () => false }: LockWait,
  work: () => T | Promise<T>,
): Promise<T> {
  const beganMs = performance.now();
  let hasTold = false;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const waitedMs = performance.now() - beganMs;
      if (!isLocked(error) || waitedMs >= giveUpMs || isStopped()) throw error;
      if (waitedMs >= TELL_AFTER_MS && !hasTold) {
        hasTold = true;
        const left = Math.ceil((giveUpMs - waitedMs) / 1_000);
        onWaiting(`waiting for database ${file}: another process has locked it; giving up in ${left} s`);
      }
    }
    await delay(RETRY_MS);
  }
}

export function isLocked(error: unknown): boolean {
  return error instanceof SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code);
}

function tellOnStderr(text: string): void {
  process.stderr.write(`lars: ${text}\n`);
}
