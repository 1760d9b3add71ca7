/** Standard error as the log writes to it: a write returns at once, whatever stands at the other end. */
import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { LogOutput, logCounters } from './log-output.ts';

const STDERR = 2;

let output: LogOutput | undefined;

/** One for the process: its loggers share the descriptor and what waits for it. */
export function standardError(): LogOutput {
  if (output !== undefined) return output;
  const fd = nonBlockingStderr();
  output = new LogOutput({ write: bytes => writeSync(fd, bytes), counters: logCounters });
  const { writeLastWords } = output;
  process.on('exit', writeLastWords.bind(output));
  return output;
}

/**
 * A pipe or a terminal is opened anew, so that it is non-blocking for this process alone and not for all who have inherited it. What
 * cannot be opened anew (a socket, as of systemd and of Node's own children) Node makes non-blocking when it makes a stream of it. Files
 * do not block.
 */
function nonBlockingStderr(): number {
  // Node's stream of it is used by others; the error of a reader who has gone is theirs to ignore too.
  process.stderr.on('error', () => undefined);
  try {
    const kind = fstatSync(STDERR);
    if (!kind.isFIFO() && !kind.isCharacterDevice()) return STDERR;
    return openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // No /proc, a terminal of another user, or standard error is closed.
    return STDERR;
  }
}
