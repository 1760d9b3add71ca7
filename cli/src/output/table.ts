// pure
import { textWidth } from './text-width.ts';

/** A cell's text, and how it is painted where there are colors. */
export type Cell = string | { readonly text: string; readonly style: Style };

export type Style = 'green' | 'yellow' | 'red' | 'bold' | 'dim';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Paints a text, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

const GAP = '  ';

/** Aligned columns under their titles, one line a row, every line ending in a line break. Control characters show as '?'. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], paint: Paint = plain): string {
  const titles = columns.map(({ title }): Cell => ({ text: title, style: 'bold' }));
  const lines = [titles, ...rows];
  const widths = columns.map((_, index) => lines.reduce((width, line) => Math.max(width, widthOf(line[index])), 0));
  return lines.map(line => `${formatLine(columns, widths, line, paint)}\n`).join('');
}

/** How wide the widest line of a text is that is not painted. */
export function widestLine(text: string): number {
  return text.split('\n').reduce((widest, line) => Math.max(widest, textWidth(line)), 0);
}

/** A text that a terminal shows as it stands. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

function formatLine(columns: readonly Column[], widths: readonly number[], line: readonly Cell[], paint: Paint): string {
  const cells = columns.map(({ align = 'left' }, index) => {
    const cell = line[index] ?? '';
    const padding = ' '.repeat((widths[index] ?? 0) - widthOf(cell));
    const text = visible(textOf(cell));
    const painted = typeof cell === 'string' ? text : paint(cell.style, text);
    if (align === 'right') return padding + painted;
    // Nothing stands behind the last column, so nothing pads it.
    return index === columns.length - 1 ? painted : painted + padding;
  });
  return cells.join(GAP).trimEnd();
}

function plain(_style: Style, text: string): string {
  return text;
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function widthOf(cell: Cell = ''): number {
  return textWidth(textOf(cell));
}
