import type { Writable } from 'node:stream';
import { styleText } from 'node:util';
import { sideBySideLines } from './side-by-side.ts';
import { type DemoView, logLine, type ShownLine, tableLines, timeOf } from './table.ts';

/** A terminal, or any other stream: a file, a pipe. */
export interface Output extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

const CURSOR_HIDE = '\x1b[?25l';
const CURSOR_SHOW = '\x1b[?25h';
const ERASE_LINE_REST = '\x1b[K';
const ERASE_BELOW = '\x1b[J';
const cursorUp = (lines: number) => `\x1b[${lines}A`;

const STYLES = { plain: [], title: ['bold'], dim: ['dim'], down: ['red'] } as const;

/** On a terminal, a table that is drawn again and again in its place; elsewhere one line a second, and one when something else begins. */
export class Screen {
  readonly #out: Output;
  /** The table that stands above the cursor. */
  #drawn: { readonly lines: number; readonly columns: number } | undefined;
  /** The phase of the last line in a log. */
  #lastLine = '';

  constructor(out: Output) {
    this.#out = out;
  }

  /** Says what will be seen, before the first table. */
  tell(lines: readonly string[]): void {
    this.#out.write(`${lines.join('\n')}\n\n`);
  }

  /** Several views are of the same moment, and stand side by side. */
  draw(...views: readonly [DemoView, ...DemoView[]]): void {
    if (this.#out.isTTY) this.#drawTables(views);
    else this.#drawLine(views);
  }

  /** Leaves the last table where it stands, and gives the cursor back. */
  finish(): void {
    if (this.#drawn !== undefined) this.#out.write(CURSOR_SHOW);
    this.#drawn = undefined;
  }

  #drawTables(views: readonly [DemoView, ...DemoView[]]): void {
    const { columns = 80, rows = 24 } = this.#out;
    // The line that the cursor waits on needs a row too, else the table would scroll and leave copies of itself.
    const room = Math.max(1, rows - 1);
    const lines = views.length === 1 ? tableLines(views[0], columns, room) : sideBySideLines(views, columns, room);
    // A terminal of another width has wrapped the old table anew, and where it begins is not known.
    const replaces = this.#drawn?.columns === columns ? this.#drawn.lines : 0;
    const start = replaces > 0 ? cursorUp(replaces) : CURSOR_HIDE;
    const text = lines.map(line => `${this.#styled(line)}${ERASE_LINE_REST}\n`).join('');
    this.#out.write(`${start}${text}${ERASE_BELOW}`);
    this.#drawn = { lines: lines.length, columns };
  }

  #drawLine(views: readonly [DemoView, ...DemoView[]]): void {
    const moment = timeOf(views[0]);
    if (moment === this.#lastLine) return;
    this.#lastLine = moment;
    this.#out.write(`${logLine(views)}\n`);
  }

  #styled({ text, look }: ShownLine): string {
    return styleText([...STYLES[look]], text, { stream: this.#out });
  }
}
