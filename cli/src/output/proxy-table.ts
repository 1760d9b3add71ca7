// pure
import type { ProxyStatus } from '@lars/proxy';
import { formatDuration } from './numbers.ts';
import { type Cell, formatTable, type Paint } from './table.ts';

const LISTENER_COLUMNS = [
  ...['listener', 'address', 'module', 'policy'].map(title => ({ title })),
  ...['connections', 'limit'].map(title => ({ title, align: 'right' as const })),
];
const HOST_COLUMNS = [
  { title: 'host' },
  ...['connections', 'connected', 'failed'].map(title => ({ title, align: 'right' as const })),
  { title: 'state' },
];
const MAX_HOSTS = 100;

/** What a running proxy does, for people. */
export function proxyText(status: ProxyStatus, paint: Paint): string {
  const { pid, uptimeSeconds, threads, engine, connections, maxConnections, listeners, hosts, counters } = status;
  const head = `proxy, pid ${pid}, up ${formatDuration(uptimeSeconds)}, ${engine} engine, ${threads} thread${threads === 1 ? '' : 's'}: ${connections} of ${maxConnections} connections`;
  const states = [
    ...(status.draining ? [paint('yellow', 'draining: nothing new is accepted')] : []),
    ...(status.agentAway ? [paint('yellow', 'the agent does not answer: hosts are picked from the last routes')] : []),
  ];
  const listenerRows = listeners.map(one => [
    one.name,
    one.address,
    one.module ?? '-',
    one.policy,
    String(one.connections),
    String(one.maxConnections),
  ]);
  const busiest = hosts.toSorted((a, b) => b.connections - a.connections || b.connected - a.connected).slice(0, MAX_HOSTS);
  const hostRows = busiest.map((one): Cell[] => [
    one.host,
    String(one.connections),
    String(one.connected),
    String(one.failed),
    one.isCooling ? { text: 'failed a moment ago', style: 'yellow' } : '',
  ]);
  const more = hosts.length > busiest.length ? `and ${hosts.length - busiest.length} more hosts\n` : '';
  const happened = Object.entries(counters).filter(([, count]) => count > 0);
  const counts = happened.map(([name, count]) => `${name} ${count}`).join(', ');
  return [
    [head, ...states].map(line => `${line}\n`).join(''),
    formatTable(LISTENER_COLUMNS, listenerRows, paint),
    hosts.length === 0 ? 'no host was picked yet\n' : `${formatTable(HOST_COLUMNS, hostRows, paint)}${more}`,
    `since the start: ${counts === '' ? 'nothing' : counts}\n`,
  ].join('\n');
}
