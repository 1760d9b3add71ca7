import type { Health } from '@lars/runtime/http/health-server';
import { VERSION } from '@lars/runtime/version';
import type { DnsserverStats } from './dnsserver-stats.ts';

/**
 * What GET /healthz answers. dnsserver does its work as long as it runs: without the database it serves the known routes.
 * @param places where it listens and reads, and how its links are protected
 */
export function dnsserverHealth(
  stats: DnsserverStats,
  uptimeMs: number,
  places: Readonly<Record<string, string | number>>,
): Health {
  const { kept, outage, workerConnections, ...numbers } = stats;
  return {
    service: 'dnsserver',
    status: kept.modules > 0 || outage !== undefined ? 'degraded' : 'ok',
    pid: process.pid,
    uptimeSeconds: Math.round(uptimeMs / 1_000),
    version: VERSION,
    details: {
      ...places,
      ...numbers,
      ...(workerConnections.length === 0 ? {} : { workerConnections: workerConnections.join(' ') }),
      emptyGuard: kept.modules > 0 ? describeKept(kept) : 'inactive',
      ...(outage === undefined ? {} : { outage }),
    },
  };
}

function describeKept({ modules, hosts, sinceMs }: DnsserverStats['kept']): string {
  return (
    `hosts kept that RouteData lost: ${hosts} in ${modules} modules, since ${new Date(sinceMs).toISOString()}; ` +
    "'lars route restore' writes them back, 'lars route confirm' lets them go"
  );
}
