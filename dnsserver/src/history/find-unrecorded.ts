// pure
/** Which rows of RouteData have changed since the history recorded them, whoever changed them. */
import type { ModuleId, RouteKey } from '@lars/proto';
import { readEdits } from '../follow/find-changes.ts';
import type { RowChange } from '../store/history-store.ts';
import { BEFORE_FIRST_ID, type Pause, type RouteReader, type RouteRow } from '../store/route-store.ts';
import { compareRows, isRecordable } from './compare-rows.ts';

export interface Unrecorded {
  readonly changes: readonly RowChange[];
  /** The end of RouteEdit, up to which the changes were looked for; undefined when the history is up to date. */
  readonly lastEdit: number | undefined;
}

/** Beyond this many touched modules, comparing the whole table is quicker than comparing them one by one. */
const MAX_SINGLE_MODULES = 10_000;
const PAGE_MODULES = 100;
const PAGE_ROWS = 5_000;

export async function findUnrecorded(reader: RouteReader, pause: Pause): Promise<Unrecorded> {
  const { lastEdit: recorded } = await reader.history.state();
  const { firstEdit, lastEdit } = await reader.journal();
  if (recorded === lastEdit) return { changes: [], lastEdit: undefined };
  const touched = new Map<RouteKey, ModuleId>();
  const hasGap = recorded < 0 || recorded > lastEdit || recorded + 1 < firstEdit;
  if (!hasGap) await readEdits(reader, recorded, touched, pause);
  const changes =
    hasGap || touched.size > MAX_SINGLE_MODULES
      ? await compareAll(reader, pause)
      : await compareModules(reader, [...touched.values()], pause);
  return { changes, lastEdit };
}

async function compareModules(reader: RouteReader, modules: readonly ModuleId[], pause: Pause): Promise<RowChange[]> {
  const changes: RowChange[] = [];
  for (let at = 0; at < modules.length; at += PAGE_MODULES) {
    if (at > 0) await pause();
    const some = modules.slice(at, at + PAGE_MODULES);
    changes.push(...compareRows(await reader.history.recordedRowsOf(some), await reader.rowsOf(some)));
  }
  return changes;
}

/** Both tables are read in the order of their ids, page by page, so that neither is in memory as a whole. */
async function compareAll(reader: RouteReader, pause: Pause): Promise<RowChange[]> {
  const changes: RowChange[] = [];
  for (let last: number | undefined = BEFORE_FIRST_ID; last !== undefined; ) {
    const after: number = last;
    const before = (await reader.history.recordedRowsAfter(after, PAGE_ROWS)).filter(isRecordable);
    const now = await reader.rowsAfter(after, PAGE_ROWS);
    last = commonEnd(before, now);
    const isInPage = ({ id }: RouteRow) => last === undefined || (id as number) <= last;
    for (const change of compareRows(before.filter(isInPage), now.filter(isInPage))) changes.push(change);
    await pause();
  }
  return changes;
}

/** The id up to which both pages have all rows; undefined when neither table has more. */
function commonEnd(...pages: readonly (readonly RouteRow[])[]): number | undefined {
  const ends = pages.filter(page => page.length === PAGE_ROWS).map(page => page.at(-1)?.id as number);
  return ends.length === 0 ? undefined : Math.min(...ends);
}
