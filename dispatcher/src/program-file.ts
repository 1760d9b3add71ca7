import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { StartupError } from '@lars/runtime/errors';

/**
 * Before anything is opened: a program that cannot be started at all would be tried for ever.
 * @param folders where a name without a slash is looked for, as the variable PATH has them
 * @throws {StartupError} ENOENT or EACCES
 */
export function checkProgram(program: string, folders: string | undefined): void {
  const places = program.includes('/')
    ? [program]
    : (folders ?? '').split(path.delimiter).map(folder => path.join(folder, program));
  const found = places.filter(isFile);
  if (found.some(isExecutable)) return;
  if (found.length > 0) throw new StartupError('EACCES', `the program ${found[0]} cannot be started: it is no executable file`);
  const where = program.includes('/') ? 'there is no such file' : 'it is in no folder of PATH';
  throw new StartupError('ENOENT', `the program ${program} cannot be started: ${where}`);
}

function isFile(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isExecutable(place: string): boolean {
  try {
    accessSync(place, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
