import type { Health } from '@lars/runtime/http/health-server';
import { VERSION } from '@lars/runtime/version';
import type { ReporterStats } from './reporter-stats.ts';

/**
 * What GET /healthz answers. While the database is away the reporter keeps what it has, and agents keep what comes.
 * @param places where it listens and stores, and how its links are protected
 */
export function reporterHealth(
  stats: ReporterStats,
  uptimeMs: number,
  places: Readonly<Record<string, string | number>>,
): Health {
  const { outage, lastError, ...numbers } = stats;
  return {
    service: 'reporter',
    status: outage === undefined ? 'ok' : 'degraded',
    pid: process.pid,
    uptimeSeconds: Math.round(uptimeMs / 1_000),
    version: VERSION,
    details: {
      ...places,
      ...numbers,
      lastError: lastError ?? 'none',
      ...(outage === undefined ? {} : { outage }),
    },
  };
}
