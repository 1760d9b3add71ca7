// pure
/** A Markdown table, padded so that it can be read as it is, too. The first columns are text, the others are numbers. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[], textColumns = 1): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => (row[column] ?? '').length), 4));
  const widthOf = (column: number) => widths[column] ?? 0;
  const pad = (cell: string, column: number) =>
    column < textColumns ? cell.padEnd(widthOf(column)) : cell.padStart(widthOf(column));
  const written = (row: readonly string[]) => `| ${row.map(pad).join(' | ')} |`;
  const rule = widths.map((width, column) => (column < textColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [written(head), `| ${rule.join(' | ')} |`, ...rows.map(written)].join('\n');
}

/** NaN, of which there is nothing to say, is a dash. No number is written as -0. */
export function fixed(value: number, digits: number): string {
  if (Number.isNaN(value)) return '–';
  const written = value.toFixed(digits);
  return Number(written) === 0 ? written.replace('-', '') : written;
}

export function seconds(ms: number): string {
  const value = ms / 1_000;
  return fixed(value, value < 10 ? 1 : 0);
}

export function percent(share: number, digits: number): string {
  return `${fixed(100 * share, digits)} %`;
}
