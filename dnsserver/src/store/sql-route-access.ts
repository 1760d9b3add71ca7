import type { ModuleId } from '@lars/proto';
import { type Generated, type Kysely, sql } from 'kysely';
import {
  type ChangeRow,
  type EditRow,
  type JournalEnds,
  type NewRouteRow,
  type RouteReader,
  type RouteRow,
  type RouteWriter,
  type RowUpdate,
  usableRevision,
} from './route-store.ts';
import { type HistoryTables, SqlHistoryReader, SqlHistoryWriter } from './sql-history-access.ts';
import { isModule, ROW_COLUMNS, replaceRows, slices } from './sql-rows.ts';

/** The tables as our SQL writes them; the values found in them may be anything. */
export interface RouteTables extends HistoryTables {
  readonly RouteData: NewRouteRow & { readonly id: Generated<number> };
  readonly RouteVersion: { readonly id: number; readonly version: number };
  readonly RouteChange: ModuleId & { readonly id: Generated<number>; readonly version: number };
  readonly RouteEdit: { readonly id: Generated<number>; readonly modid: number | null; readonly cmdid: number | null };
}

const INSERT_ROWS = 500;
const DELETE_ROWS = 1_000;

/** Reads within one transaction, in SQL that is the same for every engine. */
export class SqlRouteReader implements RouteReader {
  readonly history: SqlHistoryReader;
  protected readonly db: Kysely<RouteTables>;

  constructor(db: Kysely<RouteTables>, history = new SqlHistoryReader(db)) {
    this.db = db;
    this.history = history;
  }

  async revision(): Promise<number> {
    const row = await this.db
      .selectFrom('RouteVersion')
      .select(eb => eb.fn.max('version').as('version'))
      .executeTakeFirst();
    return usableRevision(row?.version);
  }

  /** Queries each end on its own, which an index answers; min and max in one query would read the whole table. */
  async journal(): Promise<JournalEnds> {
    const firstEdit = await this.db
      .selectFrom('RouteEdit')
      .select(eb => eb.fn.min('id').as('id'))
      .executeTakeFirst();
    const lastEdit = await this.db
      .selectFrom('RouteEdit')
      .select(eb => eb.fn.max('id').as('id'))
      .executeTakeFirst();
    const lastChange = await this.db
      .selectFrom('RouteChange')
      .select(eb => eb.fn.max('id').as('id'))
      .executeTakeFirst();
    return { firstEdit: firstEdit?.id ?? 0, lastEdit: lastEdit?.id ?? 0, lastChange: lastChange?.id ?? 0 };
  }

  editsAfter(id: number, limit: number): Promise<readonly EditRow[]> {
    return this.db
      .selectFrom('RouteEdit')
      .select(['id', 'modid', 'cmdid'])
      .where('id', '>', id)
      .orderBy('id')
      .limit(limit)
      .execute();
  }

  changesAfter(id: number, limit: number): Promise<readonly ChangeRow[]> {
    return this.db
      .selectFrom('RouteChange')
      .select(['id', 'modid', 'cmdid', 'version'])
      .where('id', '>', id)
      .orderBy('id')
      .limit(limit)
      .execute();
  }

  rowsAfter(id: number, limit: number): Promise<readonly RouteRow[]> {
    return this.#selectRows().where('id', '>', id).orderBy('id').limit(limit).execute();
  }

  async rowCount(): Promise<number> {
    const { rows } = await this.db
      .selectFrom('RouteData')
      .select(eb => eb.fn.countAll<number>().as('rows'))
      .executeTakeFirstOrThrow();
    return rows;
  }

  async rowsOf(modules: readonly ModuleId[]): Promise<readonly RouteRow[]> {
    if (modules.length === 0) return [];
    return this.#selectRows()
      .where(eb => eb.or(modules.map(isModule)))
      .orderBy('id')
      .execute();
  }

  #selectRows() {
    return this.db.selectFrom('RouteData').select(ROW_COLUMNS);
  }
}

export class SqlRouteWriter extends SqlRouteReader implements RouteWriter {
  declare readonly history: SqlHistoryWriter;

  constructor(db: Kysely<RouteTables>) {
    super(db, new SqlHistoryWriter(db));
  }

  /** The first statement of every change: on each engine it takes the lock behind which other changes wait. */
  async raiseRevision(floor: number): Promise<number> {
    await this.db
      .updateTable('RouteVersion')
      .set(eb => ({ version: eb('version', '+', 1) }))
      .execute();
    const raised = await this.revision();
    if (raised > floor) return raised;
    // Somebody set the revision back, wrote no number into it, or deleted the row.
    const revision = floor + 1;
    const { numUpdatedRows } = await this.db.updateTable('RouteVersion').set({ version: revision }).executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) await this.db.insertInto('RouteVersion').values({ id: 1, version: revision }).execute();
    return revision;
  }

  /** Replaces rather than inserts: an invalid row may stand for the same host under the unique index, and gives way. */
  async insertRows(rows: readonly NewRouteRow[]): Promise<void> {
    for (const some of slices(rows, INSERT_ROWS)) await this.db.replaceInto('RouteData').values(some).execute();
  }

  insertRowsAsTheyWere(rows: readonly RouteRow[]): Promise<void> {
    return replaceRows(this.db, 'RouteData', rows);
  }

  async updateRow({ id, weight, zone, drain }: RowUpdate): Promise<void> {
    await this.db.updateTable('RouteData').set({ weight, zone, drain }).where('id', '=', id).execute();
  }

  async deleteRows(ids: readonly number[]): Promise<void> {
    for (const some of slices(ids, DELETE_ROWS)) await this.db.deleteFrom('RouteData').where('id', 'in', some).execute();
  }

  async announce(modules: readonly ModuleId[], revision: number): Promise<void> {
    for (const some of slices(modules, INSERT_ROWS)) {
      const rows = some.map(({ modid, cmdid }) => ({ modid, cmdid, version: revision }));
      await this.db.insertInto('RouteChange').values(rows).execute();
    }
  }

  async clear(revision: number): Promise<void> {
    await this.db
      .insertInto('RouteChange')
      .columns(['modid', 'cmdid', 'version'])
      .expression(eb =>
        eb
          .selectFrom(
            eb
              .selectFrom('RouteData')
              .select(['modid', 'cmdid'])
              .union(eb.selectFrom('RouteChange').select(['modid', 'cmdid']))
              .union(eb.selectFrom('RouteEdit').select(['modid', 'cmdid']).$narrowType<ModuleId>())
              .as('known'),
          )
          .select(['known.modid', 'known.cmdid', sql<number>`${revision}`.as('version')])
          .where('known.modid', 'is not', null)
          .where('known.cmdid', 'is not', null),
      )
      .execute();
    await this.db.deleteFrom('RouteData').execute();
    await this.markConfirmed();
  }

  async markConfirmed(): Promise<void> {
    await this.db.insertInto('RouteEdit').values({ modid: null, cmdid: null }).execute();
  }
}
