import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { SOCKET_VARIABLE, TICKET_VARIABLE } from '@lars/dispatch';

const SOCKET_PATH_BYTES_MAX = 107;

/** A program that the dispatcher has started. */
export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Resolves with how it ended, in words; also when it could not be started. Never rejects. */
  readonly ended: Promise<string>;
  signal(signal: NodeJS.Signals): void;
}

/**
 * Starts a worker program, which writes where the dispatcher writes. It is in a process group of its own: a terminal sends Ctrl-C to whole groups, and the dispatcher
 * lets its workers drain first.
 */
export function startWorkerProcess(
  [file, ...args]: readonly [string, ...string[]],
  socketPath: string,
  ticket: number,
): WorkerProcess {
  const env = { ...process.env, [SOCKET_VARIABLE]: reachableFromAnywhere(socketPath), [TICKET_VARIABLE]: String(ticket) };
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit'], env, detached: true });
  return { pid: child.pid, ended: endOf(child), signal: signal => void child.kill(signal) };
}

/** A worker may change its folder. @returns the whole path, where that is not too long for a socket */
function reachableFromAnywhere(socketPath: string): string {
  const whole = path.resolve(socketPath);
  return Buffer.byteLength(whole) <= SOCKET_PATH_BYTES_MAX ? whole : socketPath;
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise(resolve => {
    child.once('error', error => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `${signal}`));
  });
}
