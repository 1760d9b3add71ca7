// pure
/** Writes what has changed into the history, as one change set. */
import { type ChangeOrigin, HAND, type NewChangeSet, type RowChange } from '../store/history-store.ts';
import type { Pause, RouteWriter } from '../store/route-store.ts';
import { modulesOf } from './compare-rows.ts';
import { findUnrecorded } from './find-unrecorded.ts';

export const HAND_MADE: ChangeOrigin = { author: HAND, machine: '', command: 'SQL', reason: '' };

/**
 * Records what was changed and is not recorded yet, in the transaction of the writer: nothing is recorded twice, whoever comes first.
 * @param revision under which it is recorded, unless an earlier change set has it already: then the revision is raised
 * @param evenIfNothing a change set is written also when no row differs
 * @returns the change set; undefined when there was nothing to record
 */
export async function recordChanges(
  writer: RouteWriter,
  origin: ChangeOrigin,
  { revision, unixMs, evenIfNothing = false }: { revision: number; unixMs: number; evenIfNothing?: boolean },
  pause: Pause,
): Promise<NewChangeSet | undefined> {
  const { changes, lastEdit } = await findUnrecorded(writer, pause);
  const isSet = changes.length > 0 || evenIfNothing;
  const set = isSet ? { ...origin, unixMs, ...countsOf(changes), revision: await freeRevision(writer, revision) } : undefined;
  if (set !== undefined) await writer.history.insertSet(set, changes);
  // Moving the ids of rows, or raising the revision, may have left rows in the journal.
  if (lastEdit !== undefined) await writer.history.moveTo(lastEdit);
  return set;
}

export function countsOf(changes: readonly RowChange[]): Pick<NewChangeSet, 'added' | 'updated' | 'removed' | 'modules'> {
  const counts = { added: 0, updated: 0, removed: 0 };
  for (const { before, after } of changes)
    counts[before === undefined ? 'added' : after === undefined ? 'removed' : 'updated'] += 1;
  return { ...counts, modules: modulesOf(changes).length };
}

/** The revision, or where a change set has it already (somebody set RouteVersion back), a higher one. */
export async function freeRevision(writer: RouteWriter, revision: number): Promise<number> {
  const last = await writer.history.lastSet();
  return last === undefined || revision > last.revision ? revision : writer.raiseRevision(last.revision);
}
