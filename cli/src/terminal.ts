import { styleText } from 'node:util';
import type { Style } from './output/table.ts';
import { OutputWriter } from './output-writer.ts';

export interface OutputStream {
  write(text: string): void;
  /** A terminal on which a line can be drawn over another. */
  readonly isTty: boolean;
}

/** What a command reads from and writes to: results to `out`; logs, errors and progress to `err`. */
export interface Terminal {
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  readonly out: OutputStream;
  readonly err: OutputStream;
  /** Paints a result where the terminal shows colors and NO_COLOR is not set. */
  paint(style: Style, text: string): string;
  /** How wide the results may be, in characters; undefined where they go to no terminal. */
  readonly columns: number | undefined;
  /** Resolves when all results are written; rejects with the first error of writing them. That their reader has gone is none. */
  written(): Promise<void>;
}

export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  const { TERM } = process.env;
  const hasColors = stdout.isTTY === true && stdout.hasColors();
  const results = new OutputWriter(stdout);
  return {
    // Whoever does not read it must not open it: an open terminal keeps a process alive.
    get input() {
      return process.stdin;
    },
    out: { write: text => results.write(text), isTty: drawsOver(stdout, TERM) },
    err: { write: text => void stderr.write(text), isTty: drawsOver(stderr, TERM) },
    columns: stdout.isTTY === true && stdout.columns > 0 ? stdout.columns : undefined,
    paint: (style, text) => (hasColors ? styleText(style, text, { validateStream: false }) : text),
    written: () => results.written(),
  };
}

/** A dumb terminal, such as that of an editor, shows escape sequences as they are. */
export function drawsOver({ isTTY }: { readonly isTTY?: boolean }, term: string | undefined): boolean {
  return isTTY === true && term !== 'dumb';
}
