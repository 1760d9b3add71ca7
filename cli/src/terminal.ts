import { styleText } from 'node:util';
import type { Style } from './output/table.ts';

export interface OutputStream {
  write(text: string): void;
  readonly isTty: boolean;
}

/** What a command writes to: results to `out`; logs, errors and progress to `err`. */
export interface Terminal {
  readonly out: OutputStream;
  readonly err: OutputStream;
  /** Paints a result where the terminal shows colors and NO_COLOR is not set. */
  paint(style: Style, text: string): string;
}

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const hasColors = stdout.isTTY === true && stdout.hasColors();
  return {
    out: { write: text => void stdout.write(text), isTty: stdout.isTTY === true },
    err: { write: text => void stderr.write(text), isTty: stderr.isTTY === true },
    paint: (style, text) => (hasColors ? styleText(style, text, { validateStream: false }) : text),
  };
}
