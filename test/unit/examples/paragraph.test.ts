import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paragraph } from '../../../examples/demo/paragraph.ts';

test('a paragraph is broken at its spaces, and no line is wider than a terminal', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z0-9%]{1,20}$/), { minLength: 1, maxLength: 60 }), words => {
      const text = words.join(' ');
      const lines = paragraph(text);
      expect(lines.join(' ')).toBe(text);
      for (const line of lines) if (line.includes(' ')) expect(line.length).toBeLessThanOrEqual(80 + ' ms'.length);
    }),
  );
});

test.each(['7 %', '12.5 ms', '30 s'])('%s stays on one line, wherever it stands', value => {
  for (let before = 60; before < 90; before++) {
    const lines = paragraph(`${'x'.repeat(before)} ${value} of it, whatever follows`);
    expect(lines.some(line => line.includes(value))).toBe(true);
  }
});

test('words that begin like a unit are words', () => {
  expect(paragraph(`${'x'.repeat(76)} 30 servers`)).toEqual([`${'x'.repeat(76)} 30`, 'servers']);
});
