import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../errors.ts';

const STANDARD = 'conf';

/** Where the conf files of a system are. */
export interface ConfFolder {
  readonly path: string;
  /** Whether it is the default folder; another one has to be named in the commands that follow. */
  readonly isStandard: boolean;
}

/**
 * The folder that was given, or `conf` below the current one, which may be missing: then everything has its default.
 * @throws {UsageError} when the folder that was given does not exist
 */
export function confFolder(given: string | undefined): ConfFolder {
  if (given === undefined) return { path: STANDARD, isStandard: true };
  if (!isFolder(given)) throw new UsageError(`--conf-dir ${given}: there is no such folder`);
  return { path: given, isStandard: path.resolve(given) === path.resolve(STANDARD) };
}

/** The path of one conf file in it; undefined when it is not there, and its service runs with built-in defaults. */
export function confFileIn(folder: ConfFolder, name: string): string | undefined {
  const file = path.join(folder.path, name);
  return existsSync(file) ? file : undefined;
}

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}
