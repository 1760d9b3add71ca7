// pure
/** Plans how the rows of a change set become again what they were before it. */
import { foldChanges, hostOfRow, modulesOf } from '../history/compare-rows.ts';
import type { RowChange } from '../store/history-store.ts';
import { type Differences, differencesOf } from './differences.ts';
import type { EditPlan } from './edit-plan.ts';
import { RouteError } from './route-entry.ts';

/** What the change set had changed is different now; nothing is undone. */
export class UndoConflict extends RouteError {
  /** From right after the change set to now, of its hosts alone. */
  readonly since: Differences;

  constructor(revision: number, since: readonly RowChange[]) {
    const hosts = since.length === 1 ? 'a host of it was' : `${since.length} of its hosts were`;
    super('CHANGED_SINCE', `revision ${revision} cannot be undone: ${hosts} changed since`);
    this.since = differencesOf(since);
  }
}

/**
 * @param later every change behind the change set, in order
 * @throws {UndoConflict} where a host of the change set was changed since and is not as it was right after it
 */
export function planUndo(revision: number, changes: readonly RowChange[], later: Iterable<RowChange>): EditPlan {
  const hosts = new Set(changes.map(hostOfRow));
  const since = foldChanges(later).filter(change => hosts.has(hostOfRow(change)));
  if (since.length > 0) throw new UndoConflict(revision, since);
  const undone = changes.map(({ before, after }) => ({ before: after, after: before }));
  return { changes: undone, modules: modulesOf(undone), unnamed: 0 };
}
