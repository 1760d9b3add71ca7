import { formatIpv4 } from '@lars/proto/host-address';
import type { Health } from '@lars/runtime/http/health-server';
import { VERSION } from '@lars/runtime/version';
import type { ClockSkew } from './ingest/clock-skews.ts';
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
  const { outage, lastError, clockSkew, ...numbers } = stats;
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
      ...(clockSkew === undefined ? {} : { clockSkew: skewText(clockSkew) }),
    },
  };
}

/** '192.0.2.7 is 90 s ahead' */
function skewText({ caller, aheadSec }: ClockSkew): string {
  return `${formatIpv4(caller | 0)} is ${Math.abs(aheadSec)} s ${aheadSec > 0 ? 'ahead' : 'behind'}`;
}
