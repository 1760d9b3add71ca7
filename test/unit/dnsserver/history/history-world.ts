/** A database with an editor, somebody's SQL shell, and the keeper of the history as dnsserver runs it. */
import { onTestFinished } from 'vitest';
import { openRouteEditor, type RouteEditor, type RouteEditorOptions } from '../../../../dnsserver/src/edit/route-editor.ts';
import { HistoryKeeper } from '../../../../dnsserver/src/history/history-keeper.ts';
import type { ChangeSet, RowChange } from '../../../../dnsserver/src/store/history-store.ts';
import { SqliteRouteStore } from '../../../../dnsserver/src/store/sqlite-route-store.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { openSql, tempFile } from '../route-world.ts';

export async function historyWorld(limits = { maxSets: 1_000, maxRows: 100_000 }, file = tempFile()) {
  const open = async (options: Partial<RouteEditorOptions> = {}): Promise<RouteEditor> => {
    const editor = await openRouteEditor({ file, command: 'test', ...options });
    onTestFinished(() => editor.close());
    return editor;
  };
  const editor = await open();
  const store = new SqliteRouteStore({ file, busyWaitMs: 1_000 });
  onTestFinished(() => store.close());
  const log = recordingLog();
  const keeper = new HistoryKeeper({ store, log: log.log, clock: { unixMs: () => 1_000 }, limits });
  const sql = openSql(file);
  return {
    file,
    open,
    editor,
    store,
    log,
    keeper,
    sql,
    rows: () => sql.prepare('SELECT * FROM RouteData ORDER BY id').raw().all(),
    recorded: () => sql.prepare('SELECT * FROM RouteRecorded ORDER BY id').raw().all(),
    /** The oldest first. */
    sets: async (): Promise<readonly ChangeSet[]> => (await editor.history(10_000)).changeSets.toReversed(),
    changes: (): Promise<readonly RowChange[]> => store.read(({ history }) => history.changesBetween(0, 1_000_000)),
  };
}

/** A change set as 'author +added ~updated -removed'. */
export function brief({ author, added, updated, removed }: ChangeSet): string {
  return `${author === 'by hand' ? 'hand' : 'tool'} +${added} ~${updated} -${removed}`;
}
