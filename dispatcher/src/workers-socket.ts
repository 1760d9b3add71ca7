import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Connection, Engine, Listener } from '@lars/reactor';
import { messageOf, StartupError } from '@lars/runtime/errors';

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
  await removeAbandoned(path, option);
  try {
    const listener = await engine.listen({ path, backlog }, onAccept);
    if (mode !== undefined) chmodSync(path, mode);
    return listener;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'LISTEN_FAILED';
    throw new StartupError(code, `${option} ${path} cannot be opened: ${messageOf(error)}`, { cause: error });
  }
}

async function removeAbandoned(path: string, option: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new StartupError('EEXIST', `${option} ${path} is a file that is no socket`);
  if (await isAnswered(path)) throw new StartupError('EADDRINUSE', `${option} ${path} is taken: another process listens there`);
  unlinkSync(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => end(true));
    socket.once('error', error => end((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED'));
  });
}
