import type { SharedCounters } from '@lars/runtime/counters';
import { startAfterPredecessor } from '@lars/runtime/http/after-predecessor';
import { type Health, type HealthServer, startHealthServer } from '@lars/runtime/http/health-server';
import type { Logger } from '@lars/runtime/log';
import type { DispatcherCounter } from './counters.ts';
import { dispatcherHealth, dispatcherMetrics, workerDocuments } from './dispatcher-metrics.ts';
import type { WorkerPool } from './worker-pool.ts';

export interface DispatcherHttpDeps {
  readonly log: Logger;
  readonly pool: WorkerPool;
  readonly counters: SharedCounters<DispatcherCounter>;
  readonly places: Health['details'];
  readonly neededFiles: number;
  readonly upMs: () => number;
  /** It accepts no more. */
  readonly isDraining: () => boolean;
  readonly nextTick: () => Promise<void>;
}

/**
 * /healthz, /metrics and /workers.
 * @param hasTakenOver clients are served already, so that an error does not end the process
 * @returns undefined when it goes without
 * @throws {StartupError}
 */
export function serveHttp(
  place: { readonly ip: string; readonly port: number },
  hasTakenOver: boolean,
  deps: DispatcherHttpDeps,
): Promise<HealthServer | undefined> {
  if (!hasTakenOver) return start(place, deps);
  const { log, nextTick } = deps;
  return startAfterPredecessor('--http', { log, nextTick, start: () => start(place, deps) });
}

function start(
  place: { readonly ip: string; readonly port: number },
  { pool, counters, places, neededFiles, upMs, isDraining }: DispatcherHttpDeps,
): Promise<HealthServer> {
  const readPool = () => {
    pool.readStatus();
    return pool;
  };
  return startHealthServer({
    ...place,
    confKey: '--http',
    health: () => dispatcherHealth(readPool(), upMs(), { ...places, neededFiles }, isDraining()),
    registry: async () => dispatcherMetrics(counters, readPool()),
    document: async path => (path === '/workers' ? { workers: workerDocuments(readPool()) } : undefined),
  });
}
