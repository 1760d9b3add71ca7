/** The path of a UNIX socket before and after somebody listens there. */
import { lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { StartupError } from './errors.ts';

/**
 * Takes away the socket that a killed process has left; that of a living one, and any other file, stays.
 * @param name what names the path: an option, or a listener of a conf file; begins the error
 * @throws {StartupError} when the path is taken
 */
export async function removeAbandonedSocket(name: string, path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new StartupError('EEXIST', `${name} ${path} is a file that is no socket`);
  if (await isAnswered(path)) throw new StartupError('EADDRINUSE', `${name} ${path} is taken: another process listens there`);
  unlinkSync(path);
}

/** The error of a failed listen() on a path. */
export function socketPathError(name: string, path: string, cause: NodeJS.ErrnoException): StartupError {
  const why = REASONS[cause.code ?? ''] ?? `cannot be opened: ${cause.message}`;
  return new StartupError(cause.code ?? 'LISTEN_FAILED', `${name} ${path} ${why}`, { cause });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'cannot be opened: its folder does not exist',
  ENOTDIR: 'cannot be opened: what should be its folder is a file',
  EACCES: 'may not be opened by this user',
  EADDRINUSE: 'is taken: another process listens there',
  EROFS: 'cannot be opened: its folder cannot be written',
};

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
