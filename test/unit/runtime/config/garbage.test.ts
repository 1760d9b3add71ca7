import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ConfigError,
  defineConfig,
  integer,
  loadConfig,
  patternSection,
  section,
  text,
} from '../../../../runtime/src/config/config.ts';

const table = defineConfig({
  file: 'a.ini',
  title: '',
  sections: {
    a: section('', {
      n: integer({ default: 1, min: 0, max: 9, meaning: '' }),
      t: text({ default: '', maxLength: 20, meaning: '' }),
    }),
    m: patternSection({
      form: 'm NAME',
      example: 'm x',
      meaning: '',
      fields: { t: text({ default: '', maxLength: 20, meaning: '' }) },
      parseName: name => /^m (.+)$/.exec(name)?.[1],
    }),
  },
});

const pieces = fc.array(
  fc.constantFrom(
    ...['[a]', '[m x]', '[m __proto__]', '[__proto__]', '[constructor.prototype]', '[', ']', '\n', '\r\n', '=', ' '],
    ...['n', 't', 't = ', 'n = 1', 't[]', '__proto__', '__proto__[x]', 'prototype', 'toString', 'polluted = 1'],
    ...['"', "'", '\\', ';', '#', '\0', '\uFEFF', '\uFFFD', '\uD800', '机', '.', '{"x":1}', 'true', 'null', '1e5'],
  ),
  { maxLength: 60 },
);
const garbage = fc.oneof(
  pieces.map(parts => parts.join('')),
  pieces.map(parts => `[a]\n${parts.join('')}`),
  fc.string({ unit: 'binary', maxLength: 500 }),
  fc.uint8Array({ maxLength: 500 }).map(bytes => new TextDecoder().decode(bytes)),
);

/** What every object would inherit had a file slipped something in. */
function inherited(): string[] {
  return Object.getOwnPropertyNames(Object.prototype).sort();
}

test('no text throws anything but a ConfigError on one line, or touches what objects inherit', () => {
  const before = inherited();
  fc.assert(
    fc.property(garbage, conf => {
      try {
        const { a, m } = loadConfig(table, { path: 'a.ini', text: conf });
        expect(Object.keys(a)).toEqual(['n', 't']);
        expect([typeof a.n, typeof a.t]).toEqual(['number', 'string']);
        for (const module of m.values()) expect([[], ['t']]).toContainEqual(Object.keys(module));
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        expect(error.message).toMatch(/^a\.ini:[0-9]+: [^\p{Cc}\p{Zl}\p{Zp}]+$/u);
        expect(error.message.length).toBeLessThan(1200);
      }
      expect(inherited()).toEqual(before);
    }),
    { numRuns: 2000 },
  );
});

test.each<[string, start: string, repeated: string, end: string, outcome: RegExp]>([
  ['backslashes', '[a]\nt = ', '\\', ';', /t = \\{80}…: expected a text/],
  ['escapes in quotes', '[a]\nt = "', '\\"', ' x', /expected "text" as JSON quotes it/],
  ['one open quote', "[a]\nt = '", 'x', '" #', /expected "text" as JSON quotes it/],
  ['comment signs', '[a]\nt = x', ' ;#', '', /^loaded$/],
  ['white space in a key', '[a]\nt', ' ', 'x = 1', /unknown key/],
  ['brackets', '', '[', ']', /unknown section \[\[{80}…\]/],
  ['a long name', '[a]\n', 'x', '= 1', /x{80}…: unknown key/],
  ['sections', '', '[m 1]\n', '', /^loaded$/],
])('a megabyte of %s is judged like a line of it', (_, start, repeated, end, outcome) => {
  const count = Math.floor((1_000_000 - start.length - end.length) / repeated.length);
  expect(outcomeOf(start + repeated.repeat(count) + end)).toMatch(outcome);
});

function outcomeOf(conf: string): string {
  try {
    loadConfig(table, { path: 'a.ini', text: conf });
    return 'loaded';
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}
