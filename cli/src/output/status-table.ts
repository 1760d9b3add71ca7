// pure
import type { ServiceStatus } from '../system/service-status.ts';
import { underRows } from './fit.ts';
import { isLinked } from './link-state.ts';
import { formatDuration } from './numbers.ts';
import { type Cell, formatTable, type Paint, type Style, visible, widestLine } from './table.ts';

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
  proxy: ['connections', 'agent', 'engine', 'threads', 'deadThreads', 'threadRestarts', 'draining'],
  dispatcher: ['workers', 'open', 'waiting', 'untaken', 'engine', 'reason'],
  service: [],
} as const;

/** Details that may be the reason why a service is not ok. */
const TELLING_DETAILS = ['dnsserver', 'reporter', 'emptyGuard', 'oldRoutes', 'oldRoutesAgeSeconds'];

/**
 * One line a service.
 * @param columns of the terminal: where it is too narrow, the details stand on lines of their own
 */
export function formatStatus(services: readonly ServiceStatus[], paint: Paint, columns = Number.POSITIVE_INFINITY): string {
  const rows = services.map(statusRow);
  if (widestLine(formatTable(COLUMNS, rows)) <= columns) return formatTable(COLUMNS, rows, paint);
  const short = rows.map(row => row.slice(0, -1));
  const details = rows.map(row => visible(String(row.at(-1))));
  return underRows(formatTable(COLUMNS.slice(0, -1), short, paint), details, columns);
}

function statusRow(status: ServiceStatus): readonly Cell[] {
  const name: Cell = { text: status.status, style: STYLES[status.status] };
  if (!('health' in status)) return [status.service, name, '-', '-', '-', status.asked, status.why];
  const { pid, uptimeSeconds, version, details } = status.health;
  const listens = details['tcp'] ?? details['listens'] ?? details['listen'] ?? '-';
  const where = details['udp'] === undefined ? `TCP ${listens}` : `UDP ${details['udp']}`;
  return [status.service, name, String(pid), formatDuration(uptimeSeconds), version, where, shownDetails(status)];
}

function shownDetails({ service, status, health }: Extract<ServiceStatus, { health: unknown }>): string {
  // An agent without its reporter serves as well as ever, and people should know.
  const unlinked = ['dnsserver', 'reporter'].filter(key => !isLinked(health.details[key]));
  const telling = status === 'ok' ? unlinked : TELLING_DETAILS;
  return [...SHOWN_DETAILS[service], ...telling]
    .filter(key => health.details[key] !== undefined)
    .map(key => `${key}=${health.details[key]}`)
    .join(' ');
}
