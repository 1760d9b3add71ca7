/** Stands for agent/src/threads/thread.ts where the scripts of threads import it: the script tells how its thread begins, again and again. */
import { runThread as realRunThread } from '../../../../agent/src/threads/thread.ts';
import { rememberScript } from './worker-threads.ts';

export function runThread(start: Parameters<typeof realRunThread>[0]): void {
  const url = callerUrl();
  rememberScript(url, () => realRunThread(start));
}

/** The file that calls: each script calls once, at its top. */
function callerUrl(): string {
  const lines = (new Error().stack ?? '').split('\n');
  const url = /(file:\/\/[^\s):]+)/.exec(lines[3] ?? '')?.[1];
  if (url === undefined) throw new Error(`no script calls: ${lines.join(' | ')}`);
  return url;
}
