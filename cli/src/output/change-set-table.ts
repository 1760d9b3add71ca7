// pure
/** The history of the routes, for people. */
import type { ChangeSet, RouteHistory } from '@lars/dnsserver';
import { formatTable, type Paint } from './table.ts';

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

export function formatHistory({ sinceRevision, changeSets, unrecorded }: HistoryDocument, paint: Paint): string {
  const columns = [
    { title: 'revision', align: 'right' },
    { title: 'time' },
    { title: 'who' },
    { title: 'changed' },
    { title: 'command: reason' },
  ] as const;
  const rows = changeSets.map(set => [
    String(set.revision),
    set.time.replace(/\.\d+Z$/, 'Z'),
    set.machine === '' ? set.author : `${set.author}@${set.machine}`,
    changed(set),
    set.reason === '' ? set.command : `${set.command}: ${set.reason}`,
  ]);
  const table = rows.length === 0 ? '' : `${formatTable(columns, rows, paint)}\n`;
  const notYet = unrecorded ? `changed by hand and not recorded yet: ${changed(unrecorded)}\n` : '';
  return `${table}${notYet}all changes behind revision ${sinceRevision} are known\n`;
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
