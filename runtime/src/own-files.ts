/**
 * The modes of what a service writes. Routes, results and numbers of a machine are nobody's business who has no part in running it. What is there
 * already keeps its mode.
 */
import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';

export const OWN_FILE_MODE = 0o640;
const OWN_FOLDER_MODE = 0o750;

/**
 * Makes a folder and those above it that are missing. Node's own recursive mkdir never ends where the system says that a folder is missing and
 * its parent is there, as below /proc.
 * @throws {Error} the system's own, or that it is no folder
 */
export async function makeFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  await makeFolder(path.dirname(folder));
  try {
    await mkdir(folder, { mode: OWN_FOLDER_MODE });
  } catch (error) {
    // Another process may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** @throws {Error} when something else has that name */
async function isFolder(name: string): Promise<boolean> {
  try {
    if ((await stat(name)).isDirectory()) return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  throw new Error(`${name} is not a folder`);
}
