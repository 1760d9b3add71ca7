// pure
import type { SharedCounters } from '@lars/runtime/counters';
import type { Logger } from '@lars/runtime/log';
import type { DispatcherCounter } from './counters.ts';
import type { WorkerSession } from './worker-session.ts';

export interface WorkerEndDeps {
  readonly counters: SharedCounters<DispatcherCounter>;
  readonly log: Logger;
  readonly onGone: (ticket: number) => void;
}

/** A worker is gone: whether that was to be expected. @param takenBack how many connections come back from it */
export function noteEnd(
  session: WorkerSession,
  end: 'ended' | 'refused',
  takenBack: number,
  { counters, log, onGone }: WorkerEndDeps,
): void {
  const { at } = counters.definition;
  const fields = { worker: session.id, ticket: session.ticket, open: session.account?.open ?? 0, takenBack };
  if (!session.isGreeting) onGone(session.ticket);
  if (end === 'refused' || session.isGreeting) counters.add(at.workersRefused);
  else if (session.kind === 'leaving') {
    counters.add(at.workersLeft);
    log.info('worker left', fields);
  } else if (session.kind === 'ready') {
    counters.add(at.workersLost);
    log.warn('worker lost', fields);
  }
}
