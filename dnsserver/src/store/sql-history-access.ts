import type { ModuleId } from '@lars/proto';
import { type Generated, type Kysely, sql } from 'kysely';
import type {
  ChangeSet,
  HistoryLimits,
  HistoryReader,
  HistoryState,
  HistoryWriter,
  NewChangeSet,
  RowChange,
} from './history-store.ts';
import type { RouteRow } from './route-store.ts';
import { isModule, ROW_COLUMNS, slices } from './sql-rows.ts';

/** The tables of the history; RouteRecorded takes any value that RouteData has. */
export interface HistoryTables {
  readonly RouteChangeSet: NewChangeSet & { readonly id: Generated<number> };
  readonly RouteChangeSetRow: ModuleId & {
    readonly id: Generated<number>;
    readonly changeSet: number;
    /** Rows as JSON: the values of ROW_COLUMNS. */
    readonly rowBefore: string | null;
    readonly rowAfter: string | null;
  };
  readonly RouteRecorded: { readonly [Column in keyof RouteRow]: never };
  readonly RouteHistory: { readonly id: number; readonly lastEdit: number; readonly sinceRevision: number };
}

const INSERT_ROWS = 500;
const NAMED_ROWS = 1_000;
const PRUNED_ROWS = 5_000;
const NEVER_RECORDED: HistoryState = { lastEdit: -1, sinceRevision: 0 };

/** Reads the history within one transaction. */
export class SqlHistoryReader implements HistoryReader {
  protected readonly db: Kysely<HistoryTables>;

  constructor(db: Kysely<HistoryTables>) {
    this.db = db;
  }

  async state(): Promise<HistoryState> {
    const state = await this.db.selectFrom('RouteHistory').select(['lastEdit', 'sinceRevision']).executeTakeFirst();
    return state ?? NEVER_RECORDED;
  }

  lastSet(): Promise<ChangeSet | undefined> {
    return this.db.selectFrom('RouteChangeSet').selectAll().orderBy('id', 'desc').limit(1).executeTakeFirst();
  }

  setsAfter(id: number, limit: number): Promise<readonly ChangeSet[]> {
    return this.db.selectFrom('RouteChangeSet').selectAll().where('id', '>', id).orderBy('id').limit(limit).execute();
  }

  latestSets(limit: number, module: ModuleId | undefined): Promise<readonly ChangeSet[]> {
    const sets = this.db.selectFrom('RouteChangeSet').selectAll().orderBy('id', 'desc').limit(limit);
    if (module === undefined) return sets.execute();
    const changed = this.db.selectFrom('RouteChangeSetRow').select('changeSet').where(isModule(module));
    return sets.where('id', 'in', changed).execute();
  }

  setUpTo(revision: number): Promise<ChangeSet | undefined> {
    const sets = this.db.selectFrom('RouteChangeSet').selectAll().where('revision', '<=', revision);
    return sets.orderBy('id', 'desc').limit(1).executeTakeFirst();
  }

  async changesBetween(afterSet: number, lastSet: number): Promise<readonly RowChange[]> {
    const rows = await this.db
      .selectFrom('RouteChangeSetRow')
      .select(['rowBefore', 'rowAfter'])
      .where('changeSet', '>', afterSet)
      .where('changeSet', '<=', lastSet)
      .orderBy('id')
      .execute();
    return rows.map(({ rowBefore, rowAfter }) => ({ before: decodeRow(rowBefore), after: decodeRow(rowAfter) }));
  }

  async recordedRowsOf(modules: readonly ModuleId[]): Promise<readonly RouteRow[]> {
    if (modules.length === 0) return [];
    return this.#selectRecorded()
      .where(eb => eb.or(modules.map(isModule)))
      .orderBy('id')
      .execute();
  }

  recordedRowsAfter(id: number, limit: number): Promise<readonly RouteRow[]> {
    return this.#selectRecorded().where(sql.ref('id'), '>', id).orderBy('id').limit(limit).execute();
  }

  #selectRecorded() {
    return this.db.selectFrom('RouteRecorded').select(ROW_COLUMNS);
  }
}

export class SqlHistoryWriter extends SqlHistoryReader implements HistoryWriter {
  async insertSet(set: NewChangeSet, changes: readonly RowChange[]): Promise<void> {
    const { id: changeSet } = await this.db.insertInto('RouteChangeSet').values(set).returning('id').executeTakeFirstOrThrow();
    for (const some of slices(changes, INSERT_ROWS)) {
      const rows = some.map(({ before, after }) => ({
        changeSet,
        ...moduleColumns(before ?? after),
        rowBefore: encodeRow(before),
        rowAfter: encodeRow(after),
      }));
      await this.db.insertInto('RouteChangeSetRow').values(rows).execute();
    }
    await this.#record(changes);
  }

  async moveTo(lastEdit: number): Promise<void> {
    const { sinceRevision } = await this.state();
    await this.db.replaceInto('RouteHistory').values({ id: 1, lastEdit, sinceRevision }).execute();
  }

  async prune({ maxSets, maxRows }: HistoryLimits): Promise<boolean> {
    const sets = await this.db
      .selectFrom('RouteChangeSet')
      .select(['id', 'revision', sql<number>`added + updated + removed`.as('rows')])
      .orderBy('id', 'desc')
      .limit(maxSets + 1)
      .execute();
    let rows = 0;
    const firstPruned = sets.find((set, at) => {
      rows += set.rows;
      return at > 0 && (at >= maxSets || rows > maxRows);
    });
    if (firstPruned !== undefined) {
      await this.db.updateTable('RouteHistory').set({ sinceRevision: firstPruned.revision }).execute();
      await this.db.deleteFrom('RouteChangeSet').where('id', '<=', firstPruned.id).execute();
    }
    return this.#pruneRows();
  }

  /** Rows stand in the order of their change sets. */
  async #pruneRows(): Promise<boolean> {
    const { id: firstSet } = await this.db
      .selectFrom('RouteChangeSet')
      .select(eb => eb.fn.min('id').as('id'))
      .executeTakeFirstOrThrow();
    if (firstSet === null) return false;
    const rows = await this.db
      .selectFrom('RouteChangeSetRow')
      .select('id')
      .where('changeSet', '<', firstSet)
      .orderBy('id')
      .limit(PRUNED_ROWS)
      .execute();
    const last = rows.at(-1);
    if (last === undefined) return false;
    await this.db.deleteFrom('RouteChangeSetRow').where('id', '<=', last.id).execute();
    return rows.length === PRUNED_ROWS;
  }

  async #record(changes: readonly RowChange[]): Promise<void> {
    const gone = changes.flatMap(({ before }) => (before === undefined ? [] : [before.id as number]));
    for (const some of slices(gone, NAMED_ROWS)) {
      await this.db.deleteFrom('RouteRecorded').where(sql.ref('id'), 'in', some).execute();
    }
    const now = changes.flatMap(({ after }) => (after === undefined ? [] : [after.id]));
    const columns = sql.join(ROW_COLUMNS.map(column => sql.ref(column)));
    for (const some of slices(now, NAMED_ROWS)) {
      // The rows are copied inside the database, which is quicker than bringing them back to it.
      await sql`REPLACE INTO RouteRecorded (${columns}) SELECT ${columns} FROM RouteData WHERE id IN (${sql.join(some)})`.execute(
        this.db,
      );
    }
  }
}

function moduleColumns(row: RouteRow | undefined): ModuleId {
  return { modid: row?.modid as number, cmdid: row?.cmdid as number };
}

function encodeRow(row: RouteRow | undefined): string | null {
  return row === undefined ? null : JSON.stringify(ROW_COLUMNS.map(column => row[column]));
}

function decodeRow(text: string | null): RouteRow | undefined {
  if (text === null) return undefined;
  const values = JSON.parse(text) as readonly unknown[];
  return Object.fromEntries(ROW_COLUMNS.map((column, at) => [column, values[at]])) as unknown as RouteRow;
}
