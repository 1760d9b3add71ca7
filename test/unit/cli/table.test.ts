import { stripVTControlCharacters, styleText } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Column, formatTable, type Paint } from '../../../cli/src/output/table.ts';

const COLUMNS: readonly Column[] = [{ title: 'host' }, { title: 'calls', align: 'right' }, { title: 'zone' }];
const paint: Paint = (style, text) => styleText(style, text, { validateStream: false });

describe('formatTable', () => {
  test('aligns columns under their titles, to the left or to the right', () => {
    const rows = [
      ['10.0.0.1:80', '7', 'eu'],
      ['a:1', '12345678', ''],
    ];
    expect(formatTable(COLUMNS, rows)).toBe(
      ['host            calls  zone', '10.0.0.1:80         7  eu', 'a:1          12345678', ''].join('\n'),
    );
  });

  test('puts every cell of a right-aligned column at the same end', () => {
    const cell = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }).filter(text => text.trim() === text);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell)), pairs => {
        const columns: readonly Column[] = [{ title: 'a' }, { title: 'b', align: 'right' }];
        const lines = formatTable(columns, pairs).split('\n').slice(0, -1);
        expect(lines).toHaveLength(pairs.length + 1);
        expect(new Set(lines.map(line => line.length)).size).toBe(1);
        for (const [at, [first, second]] of pairs.entries()) {
          expect(lines[at + 1]?.startsWith(first)).toBe(true);
          expect(lines[at + 1]?.endsWith(second)).toBe(true);
        }
      }),
    );
  });

  test('a letter is as wide as a terminal shows it, in however many units of UTF-16', () => {
    expect(formatTable([{ title: 'zone' }, { title: 'n' }], [['\u{1F409}', '1']])).toBe('zone  n\n\u{1F409}    1\n');
  });

  test('stays as wide when it is painted', () => {
    const rows = [
      [{ text: 'a:1', style: 'red' }, '1', 'eu'] as const,
      ['b.example:2', { text: '22', style: 'bold' }, ''] as const,
    ];
    const painted = formatTable(COLUMNS, rows, paint);
    expect(painted).not.toBe(formatTable(COLUMNS, rows));
    expect(stripVTControlCharacters(painted)).toBe(formatTable(COLUMNS, rows));
  });

  test('shows no control character, so that no name can write on the terminal', () => {
    expect(formatTable([{ title: 'zone' }], [['eu\u001b[31m\n']])).toBe('zone\neu?[31m?\n');
  });

  test('takes a row that is too short', () => {
    expect(formatTable(COLUMNS, [['a:1']])).toBe('host  calls  zone\na:1\n');
  });
});
