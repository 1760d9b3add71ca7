/** The tidy rules are as good as their reading of code. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { codeOnly, commentsOnly } from './code-text.ts';
import { importsOf } from './imports.ts';
import { isSource, readTree } from './source-tree.ts';

const sources = readTree(fileURLToPath(new URL('../../..', import.meta.url))).filter(file => isSource(file.path));

test.each([
  ["a('b') // 'c'", "a(' ')       "],
  ['a /* b\n"c" */ d', 'a     \n       d'],
  ["'it\\'s' + \"'\"", `'     ' + " "`],
  ["'no end\nnext", "'no end\nnext"],
  [`\`a\${b(\`c\`) + {}}d\``, `\` \${b(\` \`) + {}} \``],
  [`\`\\\`\\\${a\``, '`      `'],
  ["x = /'[/]\\//g.y", 'x =          .y'],
  ['return /a/', 'return    '],
  ['a / b / c', 'a / b / c'],
  ['f(a) / 2 + g(b) / 2', 'f(a) / 2 + g(b) / 2'],
])('of %j only %j is code', (text, code) => {
  expect(codeOnly(text)).toBe(code);
});

test.each([
  ["a('// b') // 'c'", "          // 'c'"],
  ['a /* b\n"c" */ d', '  /* b\n"c" */  '],
  [`\`// a \${b /* c */}\`; x = /\\/\\* d/`, `${' '.repeat(10)}/* c */${' '.repeat(16)}`],
])('of %j only %j is a comment', (text, comments) => {
  expect(commentsOnly(text)).toBe(comments);
});

test.each(sources)('the brackets of $path match when only its code is left', ({ text }) => {
  const code = codeOnly(text);
  const count = (character: string) => code.split(character).length - 1;
  expect(code.length).toBe(text.length);
  expect([count('{'), count('('), count('['), count('`') % 2]).toStrictEqual([count('}'), count(')'), count(']'), 0]);
});

test('imports of every kind are found', () => {
  const text = [
    `import a, { b } from 'one';`,
    `import type { c } from "two";`,
    `export type * from './three.ts';`,
    `const d = await import('four');`,
    `let e: import('five').F; // from 'no'`,
    `Array.from('no'); f({ from: 'no' });`,
    `require.resolve('six');`,
  ].join('\n');
  const found = importsOf({ path: 'a.ts', text }).map(({ specifier, line, typeOnly }) => [specifier, line, typeOnly]);
  expect(found).toStrictEqual([
    ['one', 1, false],
    ['two', 2, true],
    ['./three.ts', 3, true],
    ['four', 4, false],
    ['five', 5, true],
    ['six', 7, false],
  ]);
});
