import { chmodSync } from 'node:fs';
import type { Connection, Engine, Listener } from '@lars/reactor';
import { removeAbandonedSocket, socketPathError } from '@lars/runtime/socket-path';

/**
 * Listens on a UNIX socket. The file of a process that is gone is replaced; that of a living one, and any other file, is not.
 * @param option names it in errors
 * @param mode of the file; undefined: as umask has it
 * @throws {StartupError}
 */
export async function listenOnPath(
  engine: Engine,
  {
    path,
    option,
    mode,
    backlog,
  }: { readonly path: string; readonly option: string; readonly mode: number | undefined; readonly backlog: number },
  onAccept: (connection: Connection) => void,
): Promise<Listener> {
  await removeAbandonedSocket(option, path);
  try {
    const listener = await engine.listen({ path, backlog }, onAccept);
    if (mode !== undefined) chmodSync(path, mode);
    return listener;
  } catch (error) {
    throw socketPathError(option, path, error as NodeJS.ErrnoException);
  }
}
