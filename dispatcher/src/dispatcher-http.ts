import type { SharedCounters } from '@lars/runtime/counters';
import { HttpAfterPredecessor } from '@lars/runtime/http/after-predecessor';
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
  readonly wait: (ms: number) => Promise<void>;
}

const CONF_KEY = '--http';

/**
 * /healthz, /metrics and /workers.
 * @param takesOver a process before this one may have the port still: clients are served meanwhile, and it is tried again
 * @throws {StartupError}
 */
export function serveHttp(
  place: { readonly ip: string; readonly port: number },
  takesOver: boolean,
  deps: DispatcherHttpDeps,
): Promise<HealthServer> {
  if (!takesOver) return start(place, deps);
  const { log, wait } = deps;
  return HttpAfterPredecessor.open({ ...place, confKey: CONF_KEY }, { log, wait, start: () => start(place, deps) });
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
    confKey: CONF_KEY,
    health: () => dispatcherHealth(readPool(), upMs(), { ...places, neededFiles }, isDraining()),
    registry: async () => dispatcherMetrics(counters, readPool()),
    document: async path => (path === '/workers' ? { workers: workerDocuments(readPool()) } : undefined),
  });
}
