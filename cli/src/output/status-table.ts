// pure
import type { ServiceStatus } from '../system/service-status.ts';
import { formatDuration } from './numbers.ts';
import { type Cell, formatTable, type Paint, type Style } from './table.ts';

const COLUMNS = ['service', 'status', 'pid', 'uptime', 'version', 'where', 'details'].map(title => ({ title }));

const STYLES: Readonly<Record<ServiceStatus['status'], Style>> = {
  ok: 'green',
  degraded: 'yellow',
  failing: 'red',
  down: 'red',
  unknown: 'yellow',
};

/** The details of a service that fit on a line; the rest is in --json. */
const SHOWN_DETAILS = {
  dnsserver: ['modules', 'hosts', 'revision', 'connections', 'subscriptions', 'certificateDaysLeft', 'outage'],
  reporter: ['agents', 'connections', 'rowsStored', 'queueRows', 'certificateDaysLeft', 'outage'],
  agent: [
    'modules',
    'hosts',
    'ejectedHosts',
    'getHost',
    'reports',
    'threadRestarts',
    'transport',
    'algorithm',
    'certificateDaysLeft',
  ],
} as const;

/** Details that may be the reason why a service is not ok. */
const TELLING_DETAILS = ['dnsserver', 'reporter', 'emptyGuard', 'oldRoutes', 'oldRoutesAgeSeconds'];

/** One line a service. */
export function formatStatus(services: readonly ServiceStatus[], paint: Paint): string {
  return formatTable(COLUMNS, services.map(statusRow), paint);
}

function statusRow(status: ServiceStatus): readonly Cell[] {
  const name: Cell = { text: status.status, style: STYLES[status.status] };
  if (!('health' in status)) return [status.service, name, '-', '-', '-', status.asked, status.why];
  const { pid, uptimeSeconds, version, details } = status.health;
  const where = details['udp'] === undefined ? `TCP ${details['tcp'] ?? '-'}` : `UDP ${details['udp']}`;
  return [status.service, name, String(pid), formatDuration(uptimeSeconds), version, where, shownDetails(status)];
}

function shownDetails({ service, status, health }: Extract<ServiceStatus, { health: unknown }>): string {
  const telling = status === 'ok' ? [] : TELLING_DETAILS;
  return [...SHOWN_DETAILS[service], ...telling]
    .filter(key => health.details[key] !== undefined)
    .map(key => `${key}=${health.details[key]}`)
    .join(' ');
}
