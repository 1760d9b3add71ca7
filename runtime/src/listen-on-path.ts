import { chmodSync } from 'node:fs';
import type { Listener } from '@lars/reactor';
import { removeAbandonedSocket, socketPathError } from './socket-path.ts';

/**
 * Listens on a UNIX socket. The file of a process that is gone is replaced; that of a living one, and any other file, is not.
 * @param name what names the path in errors: an option, or a listener of a conf file
 * @param listen opens it
 * @param mode of the file; undefined: as umask has it
 * @throws {StartupError}
 */
export async function listenOnPath(
  {
    path,
    name,
    mode,
    backlog,
  }: { readonly path: string; readonly name: string; readonly mode: number | undefined; readonly backlog: number },
  listen: (place: { readonly path: string; readonly backlog: number }) => Promise<Listener>,
): Promise<Listener> {
  await removeAbandonedSocket(name, path);
  try {
    const listener = await listen({ path, backlog });
    if (mode !== undefined) chmodSync(path, mode);
    return listener;
  } catch (error) {
    throw socketPathError(name, path, error as NodeJS.ErrnoException);
  }
}
