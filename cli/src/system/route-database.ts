import { existsSync } from 'node:fs';
import type { RouteEditor } from '@lars/dnsserver';
import { CommandError } from '../errors.ts';
import { type ConfFolder, confFileIn } from './conf-folder.ts';

export interface RouteDatabaseOptions {
  /** The file that was given as --db. */
  readonly given: string | undefined;
  readonly folder: ConfFolder;
  /** What to do when there is no such file: make one, as the first start of dnsserver would, or refuse. */
  readonly whenMissing: 'create' | 'refuse';
}

/** The database refused the change, or the routes are invalid: one line that says why. */
const ROUTE_ERRORS = new Set(['RouteError', 'RouteStoreError']);

/**
 * Runs `work` on the routes in the file that was given, else in the one of dnsserver's conf file.
 * @throws {CommandError} with the code of the editor's error
 */
export async function withRouteEditor<T>(
  { given, folder, whenMissing }: RouteDatabaseOptions,
  work: (editor: RouteEditor, file: string) => Promise<T>,
): Promise<T> {
  const file = given ?? (await configuredFile(folder));
  if (whenMissing === 'refuse' && !existsSync(file)) {
    throw new CommandError('NO_DATABASE', `database ${file} does not exist; lars up or lars route add create it`);
  }
  const { openRouteEditor } = await import('@lars/dnsserver');
  const editor = await openRouteEditor({ file });
  try {
    return await work(editor, file);
  } catch (error) {
    throw isRouteError(error) ? new CommandError(error.code, error.message, { cause: error }) : error;
  } finally {
    await editor.close();
  }
}

async function configuredFile(folder: ConfFolder): Promise<string> {
  const [{ dnsserverConfigTable }, { readConfigFile }] = await Promise.all([
    import('@lars/dnsserver'),
    import('@lars/runtime/config/config'),
  ]);
  return readConfigFile(dnsserverConfigTable, confFileIn(folder, 'dnsserver.ini')).config.database.file;
}

function isRouteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && ROUTE_ERRORS.has(error.name);
}
