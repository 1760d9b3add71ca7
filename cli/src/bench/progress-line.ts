import type { OutputStream } from '../terminal.ts';

const CLEAR_LINE = '\r\u001b[K';

export interface ProgressLine {
  readonly show: (text: string) => void;
  readonly clear: () => void;
}

/** Shows on a terminal what is being done, on one line that is gone afterwards. Elsewhere it shows nothing. */
export function progressLine(stream: OutputStream): ProgressLine {
  const write = (text: string) => {
    if (stream.isTty) stream.write(`${CLEAR_LINE}${text}`);
  };
  return { show: write, clear: () => write('') };
}
