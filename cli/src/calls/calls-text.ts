import { formatHost } from '@lars/proto';
import { shortened } from '../output/fit.ts';
import { formatCount, formatDuration, formatMs, formatRate } from '../output/numbers.ts';
import { grouped, groupSize, sparkline } from '../output/sparkline.ts';
import { type Cell, type Column, formatTable, type Paint } from '../output/table.ts';
import type { CallCounts, CallSums } from './call-sums.ts';
import type { CallerCalls } from './caller-sums.ts';

const COUNT_COLUMNS: readonly Column[] = [
  { title: 'calls', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: '', align: 'right' },
  { title: 'mean', align: 'right' },
];
const MAX_COLUMNS = 100;
/** As wide as their title. Where there is no room for it, there are none. */
const LINE_MIN = 18;
const LINE_MAX = 60;
const HOST_MIN = 21;
const GAP = 2;

/** One line a host, with its calls over the time, and one for all. */
export function hostsText(sums: CallSums, paint: Paint, columns = MAX_COLUMNS): string {
  const { hosts, all } = sums;
  const numbers = [...hosts.map(countCells), countCells(all)];
  const taken = COUNT_COLUMNS.reduce(
    (sum, { title }, i) => sum + GAP + Math.max(title.length, ...numbers.map(row => lengthOf(row[i]))),
    0,
  );
  const longest = Math.max(4, ...hosts.map(({ address }) => formatHost(address).length));
  const hostRoom = Math.max(HOST_MIN, Math.min(longest, columns - taken - GAP - LINE_MIN));
  const lineRoom = Math.min(LINE_MAX, columns - taken - GAP - Math.min(longest, hostRoom));
  const size = groupSize(hosts[0]?.steps.length ?? 1, lineRoom);
  const hasLine = lineRoom >= LINE_MIN;
  const rows = hosts.map(({ address, steps, ...counts }) => [
    shortened(formatHost(address), hostRoom),
    ...countCells(counts),
    ...(hasLine ? [sparkline(grouped(steps, size))] : []),
  ]);
  const total = hosts.length === 1 ? [] : [['all', ...countCells(all)]];
  const lineColumn = hasLine ? [{ title: `in steps of ${formatDuration(size * sums.stepSec)}` }] : [];
  return formatTable([{ title: 'host' }, ...COUNT_COLUMNS, ...lineColumn], [...rows, ...total], paint);
}

/** One line for each minute that has calls. */
export function minutesText(sums: CallSums, paint: Paint, columns = MAX_COLUMNS): string {
  const { minutes } = sums;
  const highest = minutes.reduce((most, { calls }) => Math.max(most, calls), 0);
  const room = Math.max(10, Math.min(40, columns - 60));
  const rows = minutes.map(minute => [
    localTime(minute.minute),
    ...countCells(minute),
    '█'.repeat(Math.max(1, Math.round((minute.calls / highest) * room))),
  ]);
  return formatTable([{ title: 'minute' }, ...COUNT_COLUMNS, { title: '' }], rows, paint);
}

/** One line a caller: what it told last. */
export function callersText(callers: readonly CallerCalls[], nowSec: number, paint: Paint): string {
  const titles: readonly Column[] = [
    { title: 'caller' },
    { title: 'hosts', align: 'right' },
    { title: 'ejected', align: 'right' },
    ...COUNT_COLUMNS,
    { title: 'last report' },
  ];
  const rows = callers.map(caller => [
    caller.caller,
    String(caller.hosts),
    caller.ejected === 0 ? '0' : { text: String(caller.ejected), style: 'red' as const },
    ...countCells(caller),
    `${formatDuration(Math.max(0, nowSec - caller.lastSec))} ago`,
  ]);
  return formatTable(titles, rows, paint);
}

function countCells({ calls, failures, meanMs }: CallCounts): Cell[] {
  const rate = calls === 0 ? '-' : formatRate(failures / calls);
  return [formatCount(calls), formatCount(failures), failures === 0 ? rate : { text: rate, style: 'yellow' }, formatMs(meanMs)];
}

function lengthOf(cell: Cell = ''): number {
  return (typeof cell === 'string' ? cell : cell.text).length;
}

/** '2026-11-29 10:05' */
export function localTime(sec: number): string {
  const time = new Date(sec * 1_000);
  const two = (part: number) => String(part).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${two(time.getHours())}:${two(time.getMinutes())}`;
}
