// pure
/** Which rows differ between two readings of RouteData, and what several changes of them come to. */
import { type ModuleId, type RouteKey, routeKey } from '@lars/proto';
import type { RowChange } from '../store/history-store.ts';
import { type RouteRow, toInt32 } from '../store/route-store.ts';

/** A row with a larger id cannot be named exactly, and one without a module belongs to no route: the history leaves both out. */
export function isRecordable({ id, modid, cmdid }: RouteRow): boolean {
  return Number.isSafeInteger(id) && toInt32(modid) !== undefined && toInt32(cmdid) !== undefined;
}

/** @returns in the order of `before`, and behind them the rows that are new */
export function compareRows(before: readonly RouteRow[], after: readonly RouteRow[]): RowChange[] {
  const changes: RowChange[] = [];
  const rest = new Map(after.filter(isRecordable).map(row => [row.id, row]));
  for (const row of before) {
    const now = rest.get(row.id);
    rest.delete(row.id);
    changes.push(...changeOf(row, now));
  }
  for (const row of rest.values()) changes.push(...changeOf(undefined, row));
  return changes;
}

/** What one change after the other comes to: the first row before and the last one after, of each row that differs in the end. */
export function foldChanges(changes: Iterable<RowChange>): RowChange[] {
  const folded = new Map<string, RowChange>();
  for (const change of changes) {
    const key = `${(change.before ?? change.after)?.id} ${hostOfRow(change)}`;
    const earlier = folded.get(key);
    folded.set(key, earlier === undefined ? change : { before: earlier.before, after: change.after });
  }
  return [...folded.values()].flatMap(({ before, after }) => changeOf(before, after));
}

/** The modules of the rows, each once; a row whose module makes no sense has none. */
export function modulesOf(changes: readonly RowChange[]): readonly ModuleId[] {
  const modules = new Map<RouteKey, ModuleId>();
  for (const { before, after } of changes) {
    const modid = toInt32((before ?? after)?.modid);
    const cmdid = toInt32((before ?? after)?.cmdid);
    if (modid !== undefined && cmdid !== undefined) modules.set(routeKey(modid, cmdid), { modid, cmdid });
  }
  return [...modules.values()];
}

/** What makes a row stand for a host of a module, as the columns have it. */
export function hostOfRow({ before, after }: RowChange): string {
  const row = before ?? after;
  return JSON.stringify([row?.modid, row?.cmdid, row?.serverip, row?.serverport, row?.addr]);
}

/** A row that stands for another host now is one that went and one that came. */
function changeOf(before: RouteRow | undefined, after: RouteRow | undefined): RowChange[] {
  const isSameHost = hostOfRow({ before, after: undefined }) === hostOfRow({ before: after, after: undefined });
  if (before !== undefined && after !== undefined && !isSameHost)
    return [
      { before, after: undefined },
      { before: undefined, after },
    ];
  const isSame = before?.weight === after?.weight && before?.zone === after?.zone && before?.drain === after?.drain;
  return isSame ? [] : [{ before, after }];
}
