// pure
/** The history of the routes, for people. */
import type { ChangeSet, RouteHistory } from '@lars/dnsserver';
import { underRows } from './fit.ts';
import { type Column, formatTable, type Paint, visible, widestLine } from './table.ts';

/** As it is printed for machines. */
export interface HistoryDocument extends Pick<RouteHistory, 'sinceRevision'> {
  readonly changeSets: readonly ChangeSetDocument[];
  /** What was changed by hand and is not recorded yet. */
  readonly unrecorded: RouteHistory['unrecorded'] | null;
}

interface ChangeSetDocument extends Omit<ChangeSet, 'id' | 'unixMs'> {
  /** ISO 8601, UTC. */
  readonly time: string;
}

const COLUMNS: readonly Column[] = [
  { title: 'revision', align: 'right' },
  { title: 'time' },
  { title: 'who' },
  { title: 'changed' },
];
const WHY_COLUMN: Column = { title: 'command: reason' };

/** @param columns of the terminal: where it is too narrow, each command has lines of its own */
export function formatHistory(
  { sinceRevision, changeSets, unrecorded }: HistoryDocument,
  paint: Paint,
  columns = Number.POSITIVE_INFINITY,
): string {
  const rows = changeSets.map(set => [
    String(set.revision),
    set.time.replace(/\.\d+Z$/, 'Z'),
    set.machine === '' ? set.author : `${set.author}@${set.machine}`,
    changed(set),
  ]);
  const whys = changeSets.map(({ command, reason }) => visible(reason === '' ? command : `${command}: ${reason}`));
  const table = rows.length === 0 ? '' : `${tableOf(rows, whys, paint, columns)}\n`;
  const notYet = unrecorded ? `changed by hand and not recorded yet: ${changed(unrecorded)}\n` : '';
  return `${table}${notYet}all changes behind revision ${sinceRevision} are known\n`;
}

function tableOf(rows: readonly (readonly string[])[], whys: readonly string[], paint: Paint, columns: number): string {
  const whole = (style: Paint) =>
    formatTable(
      [...COLUMNS, WHY_COLUMN],
      rows.map((row, i) => [...row, whys[i] ?? '']),
      style,
    );
  if (widestLine(whole((_, text) => text)) <= columns) return whole(paint);
  return underRows(formatTable(COLUMNS, rows, paint), whys, columns);
}

/** '+2 ~1 -3': hosts added, updated, removed */
function changed({ added, updated, removed }: Pick<ChangeSet, 'added' | 'updated' | 'removed'>): string {
  const parts = [
    { sign: '+', count: added },
    { sign: '~', count: updated },
    { sign: '-', count: removed },
  ].filter(({ count }) => count > 0);
  return parts.length === 0 ? 'nothing' : parts.map(({ sign, count }) => `${sign}${count}`).join(' ');
}
