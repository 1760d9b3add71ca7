import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RouteEditor } from '@lars/dnsserver';
import { CommandError } from '../errors.ts';
import { type ConfFolder, confFileIn } from './conf-folder.ts';

export interface RouteDatabaseOptions {
  /** The file that was given as --db. */
  readonly given: string | undefined;
  readonly folder: ConfFolder;
  /** Make the file when there is none; a command in the wrong folder would otherwise write what nobody reads. */
  readonly create: boolean;
}

/** The database refused the change, or the routes are invalid: one line that says why. */
const ROUTE_ERRORS = new Set(['RouteError', 'RouteStoreError']);

/**
 * Runs `work` on the routes in the file that was given, else in the one of dnsserver's conf file.
 * @throws {CommandError} with the code of the editor's error
 */
export async function withRouteEditor<T>(
  { given, folder, create }: RouteDatabaseOptions,
  work: (editor: RouteEditor, file: string) => Promise<T>,
): Promise<T> {
  const { file, from } = given === undefined ? await configuredFile(folder) : { file: given, from: '--db' };
  if (!create && !existsSync(file)) {
    const hint = 'start lars up or lars dnsserver first, or add --create';
    throw new CommandError('NO_DATABASE', `database ${path.resolve(file)} (${from}) does not exist; ${hint}`);
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

async function configuredFile(folder: ConfFolder): Promise<{ readonly file: string; readonly from: string }> {
  const [{ dnsserverConfigTable }, { readConfigFile }] = await Promise.all([
    import('@lars/dnsserver'),
    import('@lars/runtime/config/config'),
  ]);
  const { config, source } = readConfigFile(dnsserverConfigTable, confFileIn(folder, 'dnsserver.ini'));
  return { file: config.database.file, from: `conf key [database] file, ${source}` };
}

function isRouteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && ROUTE_ERRORS.has(error.name);
}
