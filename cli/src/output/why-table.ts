// pure
import { formatShare } from './numbers.ts';
import { type Cell, formatTable, type Paint, type Style } from './table.ts';

/** What the agent's GET /why/MODID/CMDID answers. */
export interface ModuleWhy {
  readonly modid: number;
  readonly cmdid: number;
  readonly state: 'serving' | 'absent' | 'unknown';
  readonly algorithm: string;
  readonly version: number;
  readonly hosts: readonly HostWhy[];
}

export interface HostWhy {
  readonly host: string;
  readonly weight: number;
  readonly zone: string;
  readonly state: string;
  readonly share: number;
  readonly numbers: Readonly<Record<string, number>>;
  readonly last?: LastChange;
}

interface LastChange {
  readonly to: string;
  readonly cause: string;
  readonly agoMs: number;
  readonly numbers: Readonly<Record<string, number>>;
}

const STYLES: Readonly<Record<string, Style>> = { idle: 'green', draining: 'dim', overloaded: 'red', ejected: 'red' };

/** A table of the hosts, one line each. */
export function whyText({ hosts, version, algorithm }: ModuleWhy, paint: Paint): string {
  const columns = [
    { title: 'host' },
    { title: 'state' },
    { title: 'share', align: 'right' },
    { title: 'last change' },
    { title: 'now' },
  ] as const;
  const rows = hosts.map((host): Cell[] => [
    host.host,
    { text: host.state, style: STYLES[host.state] ?? 'yellow' },
    formatShare(host.share, 1),
    lastChange(host.last),
    numbers(host.numbers),
  ]);
  return `${formatTable(columns, rows, paint)}\n${hosts.length} hosts, version ${version}, balanced by ${algorithm}\n`;
}

function lastChange(last: LastChange | undefined): string {
  if (last === undefined) return '-';
  const { limit, ...rest } = last.numbers;
  const met = limit === undefined ? '' : ` (limit ${limit})`;
  return `${last.to} ${Math.round(last.agoMs / 1_000)} s ago: ${last.cause}${met}, ${numbers(rest)}`;
}

function numbers(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${Math.round(value * 1_000) / 1_000}`)
    .join(', ');
}
