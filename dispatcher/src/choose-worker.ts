// pure
import type { WorkerAccount } from './worker-account.ts';

export interface ChoiceLimits {
  /** Connections that a worker may have, at most, whatever it says itself. */
  readonly maxPerWorker: number;
  /** Connections that a worker may have been sent without having taken them. */
  readonly maxUntaken: number;
  /** A worker that has not taken a connection for so long gets no other: its event loop is busy, and another worker's may not be. */
  readonly stallMs: number;
}

export interface Candidate {
  readonly account: WorkerAccount;
}

/** The worker that gets the next connection: the one with the fewest. Undefined when all are full, or none takes what it was sent. */
export function chooseWorker<T extends Candidate>(workers: Iterable<T>, limits: ChoiceLimits, nowMs: number): T | undefined {
  let best: T | undefined;
  for (const worker of workers) {
    if (mayTake(worker.account, limits, nowMs) && (best === undefined || isBefore(worker.account, best.account))) best = worker;
  }
  return best;
}

function mayTake(account: WorkerAccount, limits: ChoiceLimits, nowMs: number): boolean {
  return (
    account.load < Math.min(account.maxOpen, limits.maxPerWorker) &&
    account.untaken < limits.maxUntaken &&
    account.waitingMs(nowMs) < limits.stallMs
  );
}

function isBefore(a: WorkerAccount, b: WorkerAccount): boolean {
  return a.load === b.load ? a.lastSentMs < b.lastSentMs : a.load < b.load;
}
