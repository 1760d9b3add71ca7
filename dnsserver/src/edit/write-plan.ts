// pure
import type { NewRouteRow, RouteRow, RouteWriter, RowUpdate } from '../store/route-store.ts';
import type { EditPlan } from './edit-plan.ts';

/** Deletes come first: an inserted row may name the host that a deleted invalid row stood for. */
export async function writePlan(writer: RouteWriter, { changes, modules }: EditPlan, revision: number): Promise<void> {
  const deletes: number[] = [];
  const updates: RowUpdate[] = [];
  const inserts: NewRouteRow[] = [];
  const returning: RouteRow[] = [];
  for (const { before, after } of changes) {
    if (after === undefined) deletes.push(before?.id as number);
    else if (before !== undefined) updates.push(after as RowUpdate);
    else if (after.id !== undefined) returning.push(after);
    else inserts.push(withoutId(after));
  }
  await writer.deleteRows(deletes);
  for (const update of updates) await writer.updateRow(update);
  await writer.insertRowsAsTheyWere(returning);
  await writer.insertRows(inserts);
  await writer.announce(modules, revision);
}

function withoutId({ id: _, ...values }: RouteRow): NewRouteRow {
  return values as NewRouteRow;
}
