import { chmodSync } from 'node:fs';
import type { Listener } from '@lars/reactor';
import { removeAbandonedSocket, socketPathError } from '@lars/runtime/socket-path';

/**
 * Listens on a UNIX socket. The file of a process that is gone is replaced; that of a living one, and any other file, is not.
 * @param option names it in errors
 * @param listen opens it
 * @param mode of the file; undefined: as umask has it
 * @throws {StartupError}
 */
export async function listenOnPath(
  {
    path,
    option,
    mode,
    backlog,
  }: { readonly path: string; readonly option: string; readonly mode: number | undefined; readonly backlog: number },
  listen: (place: { readonly path: string; readonly backlog: number }) => Promise<Listener>,
): Promise<Listener> {
  await removeAbandonedSocket(option, path);
  try {
    const listener = await listen({ path, backlog });
    if (mode !== undefined) chmodSync(path, mode);
    return listener;
  } catch (error) {
    throw socketPathError(option, path, error as NodeJS.ErrnoException);
  }
}
