import { formatCount, formatShare } from '../output/numbers.ts';
import type { OutputStream } from '../terminal.ts';
import type { Tally } from './tally.ts';

const EVERY_MS = 200;
const CLEAR_LINE = '\r\u001b[K';

/** Shows on a terminal how far a simulation has come, on one line that is gone afterwards. Elsewhere it shows nothing. */
export function showProgress(stream: OutputStream, tally: Tally, calls: number): { stop(): void } {
  if (!stream.isTty) return { stop: () => undefined };
  const timer = setInterval(() => stream.write(`${CLEAR_LINE}${progressLine(tally, calls)}`), EVERY_MS);
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      stream.write(CLEAR_LINE);
    },
  };
}

function progressLine(tally: Tally, calls: number): string {
  const { failures, overloads } = tally;
  const done = `${formatCount(tally.calls)} of ${formatCount(calls)} calls (${formatShare(tally.calls, calls)})`;
  return `${done}, ${formatCount(failures)} failed, ${formatCount(overloads)} OVERLOAD answers`;
}
