import { SharedCounters } from '@lars/runtime/counters';
import type { Health } from '@lars/runtime/http/health-server';
import { createRegistry, exposeCounters, exposeGauges } from '@lars/runtime/http/metrics';
import { VERSION } from '@lars/runtime/version';
import { type DispatcherCounter, type DispatcherGauge, dispatcherGauges } from './counters.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A worker, as GET /workers shows it. */
export interface WorkerDocument {
  readonly worker: number;
  /** 0 for one that somebody else has started. */
  readonly ticket: number;
  readonly state: string;
  readonly open: number;
  readonly untaken: number;
  readonly taken: number;
}

export function workerDocuments(pool: WorkerPool): readonly WorkerDocument[] {
  return Array.from(pool.sessions, session => ({
    worker: session.id,
    ticket: session.ticket,
    state: session.kind,
    open: session.account?.open ?? 0,
    untaken: session.account?.untaken ?? 0,
    taken: (session.account?.lastNumber ?? 0) - (session.account?.untaken ?? 0),
  }));
}

export function dispatcherGaugesOf(pool: WorkerPool): Record<DispatcherGauge, number> {
  const sessions = [...pool.sessions];
  const sum = (of: (session: (typeof sessions)[number]) => number) => sessions.reduce((total, one) => total + of(one), 0);
  return {
    workers: sum(({ kind }) => Number(kind === 'ready')),
    open: sum(({ account }) => account?.open ?? 0),
    untaken: sum(({ account }) => account?.untaken ?? 0),
    waiting: pool.waiting,
  };
}

const REASONS = { failing: { reason: 'no worker is there' }, degraded: { reason: 'connections wait for a worker' }, ok: {} };

/** Without a worker nobody is served; with connections waiting there are too few of them, or they are too slow. */
export function dispatcherHealth(pool: WorkerPool, uptimeMs: number, places: Health['details'], isDraining: boolean): Health {
  const gauges = dispatcherGaugesOf(pool);
  const served = gauges.workers === 0 ? 'failing' : gauges.waiting > 0 ? 'degraded' : 'ok';
  // Its workers leave one by one, which is no fault.
  const status = isDraining ? 'degraded' : served;
  return {
    service: 'dispatcher',
    status,
    pid: process.pid,
    uptimeSeconds: Math.floor(uptimeMs / 1_000),
    version: VERSION,
    details: { ...(isDraining ? { draining: true } : REASONS[served]), ...gauges, ...places },
  };
}

/** What GET /metrics shows. */
export function dispatcherMetrics(
  counters: SharedCounters<DispatcherCounter>,
  pool: WorkerPool,
): ReturnType<typeof createRegistry> {
  const registry = createRegistry('dispatcher', VERSION);
  exposeCounters(registry, 'lars_dispatcher', [{ labels: {}, counters }]);
  exposeGauges(registry, 'lars_dispatcher', [{ labels: {}, counters: new PoolGauges(pool) }]);
  return registry;
}

/** Gauges that are read when somebody scrapes. */
class PoolGauges extends SharedCounters<DispatcherGauge> {
  readonly #pool: WorkerPool;

  constructor(pool: WorkerPool) {
    super(dispatcherGauges);
    this.#pool = pool;
  }

  override get(name: DispatcherGauge): number {
    return dispatcherGaugesOf(this.#pool)[name];
  }
}
