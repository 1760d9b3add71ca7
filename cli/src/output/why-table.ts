// pure
import { shortened, wrapped } from './fit.ts';
import { type ConductWhy, type HostWhy, type ModuleWhy, shownState } from './module-why.ts';
import { counted, formatDuration, formatMs, formatRate, formatShare } from './numbers.ts';
import { type Cell, type Column, formatTable, type Paint, type Style, visible } from './table.ts';
import { troubleOf } from './trouble.ts';

export const STATE_STYLES: Readonly<Record<string, Style>> = {
  healthy: 'green',
  draining: 'dim',
  avoided: 'yellow',
  probation: 'yellow',
  ejected: 'red',
};

/** Wider lines are hard to read, and what is written to a file has no width of its own. */
const MAX_COLUMNS = 100;
/** As long as an IPv4 address with its port. */
const HOST_MIN = 21;
/** From this share of failed calls on the module is in trouble (docs/glossary.md), where the calls were not few. */
const FAILING_SHARE = 0.1;
const FEW_CALLS = 10;
/** The table has the others. */
const MAX_SENTENCES = 10;

/**
 * Who is in trouble and why, one sentence each; what is unusual about the module; then a table of the hosts, those in trouble first.
 * @param columns of the terminal
 */
export function whyText(why: ModuleWhy, paint: Paint, columns = MAX_COLUMNS): string {
  const width = Math.min(columns, MAX_COLUMNS);
  const { hosts, version, algorithm } = why;
  const lines = [...troubleLines(why, paint, width), ...moduleLines(why).flatMap(line => wrapped(line, width))];
  const foot = `${counted(hosts.length, 'host')}, route version ${version}, balanced by ${algorithm}`;
  return `${lines.join('\n')}\n\n${hostTable(why, paint, width)}\n${foot}\n`;
}

/** The first line says how many hosts are in trouble; the others say why. */
function troubleLines({ hosts }: ModuleWhy, paint: Paint, width: number): string[] {
  const troubles = byTrouble(hosts).flatMap(host => {
    const trouble = troubleOf(host);
    return trouble === undefined ? [] : [{ host, trouble }];
  });
  const draining = hosts.filter(host => shownState(host) === 'draining').length;
  const alsoDraining = draining === 0 ? '' : `, ${draining} ${draining === 1 ? 'drains' : 'drain'}`;
  if (hosts.length > 0 && draining === hosts.length) return [paint('red', 'All hosts drain: no call can be made.')];
  const failing = troubles.length === 0 ? failingAlike(hosts) : undefined;
  if (failing !== undefined) return [paint('yellow', `${failing}${alsoDraining}.`)];
  if (troubles.length === 0) return [paint('green', `No host is in trouble${alsoDraining}.`)];
  const callable = hosts.length - draining;
  const ejected = troubles.filter(({ host }) => shownState(host) === 'ejected').length;
  const style = ejected === callable ? 'red' : 'yellow';
  const head = paint(style, `${troubles.length} of ${counted(hosts.length, 'host')} in trouble${alsoDraining}:`);
  const told = troubles
    .slice(0, MAX_SENTENCES)
    .flatMap(({ host, trouble }) => wrapped(`${visible(host.host)} ${trouble}`, width, '  ', '    '));
  const untold = troubles.length - MAX_SENTENCES;
  return [head, ...told, ...(untold > 0 ? [`  and ${untold} more, see the table`] : [])];
}

/** Hosts that fail no more than the others are left in: their module is in trouble, and none of them. */
function failingAlike(hosts: readonly HostWhy[]): string | undefined {
  const sum = (name: string) => hosts.reduce((total, { numbers }) => total + (numbers[name] ?? 0), 0);
  const [calls, failures] = [sum('lastCalls'), sum('lastFailures')];
  if (calls < FEW_CALLS || failures <= FAILING_SHARE * calls) return undefined;
  return `${failures} of the last ${calls} calls failed, and no host fails clearly more than the others`;
}

function moduleLines({ hosts, oldRouteSeconds, conduct }: ModuleWhy): string[] {
  const isQuiet = hosts.every(({ picks }) => picks === 0);
  return [
    ...(isQuiet ? ['No call was picked in the last 10 s: what is shown here is what was known then.'] : []),
    ...oldRouteLines(oldRouteSeconds),
    ...conductLines(conduct),
  ];
}

function oldRouteLines(seconds: number | undefined): string[] {
  if (seconds === undefined) return [];
  return [
    `The route is old: the agent knew it earlier, and dnsserver, which is away, has not confirmed it for ${formatDuration(seconds)}.`,
  ];
}

function conductLines(conduct: ConductWhy | undefined): string[] {
  if (conduct === undefined) return [];
  const { inFlightKnown, impossibleDurations, normalMs, shedding } = conduct;
  const lines: string[] = [];
  if (shedding !== undefined)
    lines.push(
      `Calls are refused since ${formatDuration(shedding.forMs / 1_000)} ago, ${shedding.refused} until now: work waits at the hosts. ` +
        `Callers gave up after ${formatMs(shedding.timeoutMs)}; in quiet times an answer takes ${formatMs(normalMs)}.`,
    );
  if (!inFlightKnown) lines.push(`${callersHabit(conduct)}: hosts take turns, whatever is in flight.`);
  if (impossibleDurations)
    lines.push('Callers report durations that are longer than the calls were in flight (in microseconds?); they are left out.');
  return lines;
}

/** Why it is not known which calls are in flight. */
function callersHabit({ picks, unreported, unpicked, late = 0 }: ConductWhy): string {
  if (late > 0.05 * picks) return 'Callers report long after their calls have ended';
  if (unreported > unpicked)
    return `Callers report ${formatShare(Math.max(0, picks - unreported), picks)} of the calls that are picked`;
  if (unpicked === 0) return 'Callers have reported no success yet';
  if (picks === 0) return 'Callers report calls that were not picked';
  return `Callers use a pick for ${(1 + unpicked / picks).toFixed(0)} calls`;
}

interface HostColumn extends Column {
  /** The columns with the highest number are left out first where the terminal is narrow. */
  readonly rank: number;
  cell(host: HostWhy): Cell;
}

const right = 'right';
const COMMON: readonly HostColumn[] = [
  { title: 'state', rank: 0, cell: host => stateCell(shownState(host)) },
  { title: 'share', align: right, rank: 0, cell: host => formatShare(host.share, 1) },
];

const NUMBERS: Readonly<Record<string, readonly HostColumn[]>> = {
  adaptive: [
    { title: 'in flight', align: right, rank: 2, cell: ({ numbers }) => String(numbers['inFlight'] ?? '-') },
    { title: 'takes', align: right, rank: 1, cell: ({ numbers }) => formatMs(numbers['expectedMs'] ?? 0) },
    { title: 'price', align: right, rank: 3, cell: ({ numbers }) => formatMs(numbers['priceMs'] ?? 0) },
    {
      title: 'failed',
      align: right,
      rank: 0,
      cell: ({ numbers }) => lastCalls(numbers['lastFailures'], numbers['lastCalls'], numbers),
    },
  ],
  classic: [
    { title: 'failed', align: right, rank: 0, cell: ({ numbers }) => periodCalls(numbers['realErr'], numbers['realSucc']) },
    { title: 'in a row', align: right, rank: 1, cell: ({ numbers }) => String(numbers['errRun'] ?? '-') },
    { title: 'period', align: right, rank: 2, cell: ({ numbers }) => formatMs(numbers['stateMs'] ?? 0) },
  ],
};

const GAP = 2;

/** Fits the width: columns are left out, and long names of hosts shortened. */
function hostTable({ hosts, algorithm }: ModuleWhy, paint: Paint, width: number): string {
  const sorted = byTrouble(hosts);
  let columns = [...COMMON, ...(NUMBERS[algorithm] ?? [])];
  const hostWidth = Math.max(4, ...hosts.map(({ host }) => host.length));
  const room = () => width - columns.reduce((sum, column) => sum + GAP + widthOf(column, sorted), 0);
  while (room() < Math.min(hostWidth, HOST_MIN) && columns.some(({ rank }) => rank > 0)) {
    const last = Math.max(...columns.map(({ rank }) => rank));
    columns = columns.filter(({ rank }) => rank !== last);
  }
  const hostRoom = Math.max(HOST_MIN, room());
  const rows = sorted.map(host => [shortened(host.host, hostRoom), ...columns.map(column => column.cell(host))]);
  return formatTable([{ title: 'host' }, ...columns], rows, paint);
}

function widthOf({ title, cell }: HostColumn, hosts: readonly HostWhy[]): number {
  return hosts.reduce((width, host) => {
    const shown = cell(host);
    return Math.max(width, (typeof shown === 'string' ? shown : shown.text).length);
  }, title.length);
}

/** Those that need a look first. */
const STATE_RANKS = ['ejected', 'probation', 'avoided'];

function byTrouble(hosts: readonly HostWhy[]): HostWhy[] {
  return hosts.toSorted((a, b) => rankOf(a) - rankOf(b));
}

function rankOf(host: HostWhy): number {
  const rank = STATE_RANKS.indexOf(shownState(host));
  return rank === -1 ? STATE_RANKS.length : rank;
}

export function stateCell(state: string): Cell {
  return { text: state, style: STATE_STYLES[state] ?? 'yellow' };
}

function lastCalls(failures: number | undefined, calls: number | undefined, numbers: HostWhy['numbers']): string {
  if (calls === undefined || failures === undefined)
    return numbers['errorRate'] === undefined ? '-' : formatRate(numbers['errorRate']);
  return calls === 0 ? '-' : `${failures} of ${calls}`;
}

function periodCalls(failures: number | undefined, successes: number | undefined): string {
  if (failures === undefined || successes === undefined || failures + successes === 0) return '-';
  return `${failures} of ${failures + successes}`;
}
