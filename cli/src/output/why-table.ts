// pure
import { formatShare } from './numbers.ts';
import { type Cell, formatTable, type Paint, type Style } from './table.ts';

/** What the agent's GET /why/MODID/CMDID answers. */
export interface ModuleWhy {
  readonly modid: number;
  readonly cmdid: number;
  /** An agent of an earlier version says 'serving' for 'active'. */
  readonly state: 'active' | 'serving' | 'absent' | 'unknown';
  readonly algorithm: string;
  readonly version: number;
  /** The route is one that the agent knew earlier; for so long dnsserver has not confirmed it. */
  readonly oldRouteSeconds?: number;
  readonly conduct?: ConductWhy;
  readonly hosts: readonly HostWhy[];
}

/** What concerns the module as a whole; see ModuleConduct in the agent's balancer.ts. */
export interface ConductWhy {
  readonly picks: number;
  readonly unreported: number;
  readonly unpicked: number;
  readonly inFlightKnown: boolean;
  readonly impossibleDurations: boolean;
  readonly normalMs: number;
  readonly shedding?: { readonly forMs: number; readonly refused: number; readonly timeoutMs: number };
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

/** By the state's name; an agent of an earlier version says 'idle' for 'healthy'. */
const STYLES: Readonly<Record<string, Style>> = {
  healthy: 'green',
  idle: 'green',
  draining: 'dim',
  overloaded: 'red',
  ejected: 'red',
};

/** Whether the agent has a route of the module. */
export function isActive({ state }: ModuleWhy): boolean {
  return state === 'active' || state === 'serving';
}

/** A table of the hosts, one line each, and below it a line for each thing that is unusual about the module. */
export function whyText({ hosts, version, algorithm, oldRouteSeconds, conduct }: ModuleWhy, paint: Paint): string {
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
  return `${formatTable(columns, rows, paint)}\n${hosts.length} hosts, version ${version}, balanced by ${algorithm}\n${[
    ...oldRouteLines(oldRouteSeconds),
    ...conductLines(conduct),
  ]
    .map(line => `${line}\n`)
    .join('')}`;
}

function oldRouteLines(seconds: number | undefined): string[] {
  if (seconds === undefined) return [];
  return [`The route is old: the agent knew it earlier, and dnsserver, which is away, has not confirmed it for ${seconds} s.`];
}

function conductLines(conduct: ConductWhy | undefined): string[] {
  if (conduct === undefined) return [];
  const { inFlightKnown, impossibleDurations, normalMs, shedding } = conduct;
  const lines: string[] = [];
  if (shedding !== undefined)
    lines.push(
      `Calls are refused since ${round(shedding.forMs / 1_000)} s ago, ${shedding.refused} until now: work waits at the hosts. ` +
        `Callers gave up after ${round(shedding.timeoutMs)} ms; in quiet times an answer takes ${round(normalMs)} ms.`,
    );
  if (!inFlightKnown) lines.push(`${callersHabit(conduct)}: hosts take turns, whatever is in flight.`);
  if (impossibleDurations)
    lines.push('Callers report durations that are longer than the calls were in flight (in microseconds?); they are left out.');
  return lines;
}

/** Why it is not known which calls are in flight. */
function callersHabit({ picks, unreported, unpicked }: ConductWhy): string {
  if (unreported > unpicked)
    return `Callers report ${formatShare(Math.max(0, picks - unreported), picks)} of the calls that are picked`;
  if (unpicked === 0) return 'Callers have reported no success yet';
  if (picks === 0) return 'Callers report calls that were not picked';
  return `Callers use a pick for ${(1 + unpicked / picks).toFixed(0)} calls`;
}

function lastChange(last: LastChange | undefined): string {
  if (last === undefined) return '-';
  const { limit, ...rest } = last.numbers;
  const met = limit === undefined ? '' : ` (limit ${limit})`;
  return `${last.to} ${Math.round(last.agoMs / 1_000)} s ago: ${last.cause}${met}, ${numbers(rest)}`;
}

function numbers(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${round(value)}`)
    .join(', ');
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
