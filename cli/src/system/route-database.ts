import { existsSync } from 'node:fs';
import path from 'node:path';
import type { RouteEditor, RouteEditorOptions, RouteInspector } from '@lars/dnsserver';
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
  { create, ...where }: RouteDatabaseOptions,
  change: Omit<RouteEditorOptions, 'file'>,
  work: (editor: RouteEditor) => Promise<T>,
): Promise<T> {
  const hint = change.dryRun === true ? 'and a dry run makes none' : 'start lars up or lars dnsserver first, or add --create';
  const file = await databaseFile(where, create && change.dryRun !== true ? undefined : hint);
  const { openRouteEditor } = await import('@lars/dnsserver');
  return closingAfter(await openRouteEditor({ ...change, file }), work);
}

/**
 * The same to read alone, also for users who may not write.
 * @throws {CommandError} with the code of the inspector's error
 */
export async function withRouteInspector<T>(
  { create, ...where }: RouteDatabaseOptions,
  work: (inspector: RouteInspector) => Promise<T>,
): Promise<T> {
  const file = await databaseFile(where, create ? undefined : 'start lars up or lars dnsserver first, or add --create');
  const { openRouteEditor, openRouteInspector } = await import('@lars/dnsserver');
  if (existsSync(file)) return closingAfter(await openRouteInspector({ file }), work);
  return closingAfter(await openRouteEditor({ file }), work);
}

type Closable = Pick<RouteInspector, 'close'>;

async function closingAfter<Routes extends Closable, T>(routes: Routes, work: (routes: Routes) => Promise<T>): Promise<T> {
  try {
    return await work(routes);
  } catch (error) {
    throw isRouteError(error) ? new CommandError(error.code, error.message, { cause: error }) : error;
  } finally {
    await routes.close();
  }
}

/** @param whyNot said where there is no file; undefined: it may be missing */
async function databaseFile(
  { given, folder }: Omit<RouteDatabaseOptions, 'create'>,
  whyNot: string | undefined,
): Promise<string> {
  const { file, from } = given === undefined ? await configuredFile(folder) : { file: given, from: '--db' };
  if (whyNot === undefined || existsSync(file)) return file;
  throw new CommandError('NO_DATABASE', `database ${path.resolve(file)} (${from}) does not exist; ${whyNot}`);
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
