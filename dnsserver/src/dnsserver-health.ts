import type { Health } from '@lars/runtime/http/health-server';
import { VERSION } from '@lars/runtime/version';
import type { DnsserverStats } from './dnsserver-stats.ts';

/** What GET /healthz answers. dnsserver does its work as long as it runs: without the database it serves the known routes. */
export function dnsserverHealth(stats: DnsserverStats, uptimeMs: number, tcp: string, database: string): Health {
  const { emptyGuard, outage, workerConnections, ...numbers } = stats;
  return {
    service: 'dnsserver',
    status: emptyGuard || outage !== undefined ? 'degraded' : 'ok',
    pid: process.pid,
    uptimeSeconds: Math.round(uptimeMs / 1_000),
    version: VERSION,
    details: {
      tcp,
      database,
      ...numbers,
      ...(workerConnections.length === 0 ? {} : { workerConnections: workerConnections.join(' ') }),
      emptyGuard: emptyGuard
        ? "RouteData reads empty and nobody announced that; 'lars route clear --yes' confirms it"
        : 'inactive',
      ...(outage === undefined ? {} : { outage }),
    },
  };
}
