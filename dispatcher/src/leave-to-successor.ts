import type { Logger } from '@lars/runtime/log';
import type { HandOver } from '@lars/runtime/succession/hand-over';
import type { Succession } from '@lars/runtime/succession/succession';
import type { UnixListener } from '@lars/runtime/unix-listener';
import type { Listeners } from './listeners.ts';
import type { Accepted } from './worker-account.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface LeavingDeps {
  readonly log: Logger;
  readonly listeners: Listeners;
  readonly workersSocket: UnixListener;
  readonly pool: WorkerPool;
  readonly waitUntil: (isTrue: () => boolean, limitMs: number) => Promise<void>;
  readonly closeHttp: () => Promise<void>;
  readonly handOver: HandOver;
  /** The successor has the connection. */
  readonly onMoved: (connection: Accepted) => void;
  readonly refuse: (connection: Accepted) => void;
}

/** For how long a worker that is let go may take to go, and a successor to take a connection. */
const MOVE_MS = 2_000;

/**
 * Gives everything to the dispatcher that takes over, so that no connection is refused or lost. Workers that others have started move to it with all that they have; those
 * that were started here stay, to be drained.
 * @param lastWaitMs for how long what was accepted may wait for the workers here
 */
export async function leaveToSuccessor(
  succession: Succession,
  claimed: ReadonlySet<number>,
  lastWaitMs: number,
  { log, listeners, workersSocket, pool, waitUntil, closeHttp, handOver, onMoved, refuse }: LeavingDeps,
): Promise<void> {
  log.info('another dispatcher takes over', { successor: succession.pid, listeners: claimed.size });
  await listeners.leaveTo(claimed);
  workersSocket.leave();
  await closeHttp();
  succession.release(handOver.announce(succession.pid));
  await waitUntil(() => !pool.isHandingOver, lastWaitMs);
  const movers = () => pool.sessions.filter(({ ticket }) => ticket === 0);
  for (const session of movers()) pool.move(session);
  await waitUntil(() => movers().length === 0, MOVE_MS);
  for (const connection of pool.takeWaiting()) {
    let isGiven = false;
    await waitUntil(() => {
      isGiven = succession.give(connection);
      return isGiven || !succession.isOpen;
    }, MOVE_MS);
    if (isGiven) onMoved(connection);
    else refuse(connection);
  }
  succession.close();
}
