import { spawn } from 'node:child_process';
import { ExitCode } from '../exit-code.ts';

/** What a service says to the process that has started it, when it is ready: as process managers of Node expect it. */
const READY = 'ready';
export const DETACH = '--detach';

/**
 * Starts this very command again, without --detach, in a process of its own, and waits until it is ready. A signal to this process meanwhile is for that one.
 * @returns the exit code of the other process where it has ended instead
 */
export async function runDetached(): Promise<ExitCode> {
  const child = spawn(process.execPath, [...process.execArgv, ...detachedWords(process.argv.slice(1))], {
    detached: true,
    env: detachedEnv(process.env),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, pass);
  const exitCode = await new Promise<ExitCode>(resolve => {
    child.once('message', message => {
      if (message === READY) resolve(ExitCode.Ok);
    });
    child.once('error', () => resolve(ExitCode.Failed));
    child.once('exit', code => resolve(exitCodeUnready(code)));
  });
  for (const signal of signals) process.off(signal, pass);
  if (child.connected) child.disconnect();
  child.unref();
  return exitCode;
}

/** Of a process that has ended before it was ready, as by a signal: nothing runs, or nothing was taken over, whatever its own exit code says. */
export function exitCodeUnready(code: number | null): ExitCode {
  return code === ExitCode.Usage ? ExitCode.Usage : ExitCode.Failed;
}

/** A service is ready; whoever has started it may wait for that. */
export function tellStarter(): void {
  process.send?.(READY);
}

/** What stands behind -- is another program's. */
export function detachedWords(words: readonly string[]): readonly string[] {
  const at = words.indexOf(DETACH);
  const end = words.indexOf('--');
  return at < 0 || (end >= 0 && at > end) ? words : words.toSpliced(at, 1);
}

/** What systemd says of this process alone. */
export function detachedEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { WATCHDOG_PID: _, WATCHDOG_USEC: __, LISTEN_PID: ___, ...others } = env;
  return others;
}
