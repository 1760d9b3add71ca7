import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytes,
  choice,
  decimal,
  defineConfig,
  duration,
  type Field,
  flag,
  formatMarkdown,
  formatSample,
  host,
  integer,
  ipv4,
  loadConfig,
  milliseconds,
  path,
  patternSection,
  ratio,
  section,
  text,
} from '../../../../runtime/src/config/config.ts';

const table = defineConfig({
  file: 'agent.ini',
  title: 'The LARS agent.',
  sections: {
    udp: section('Where business code asks.', {
      ip: ipv4({ default: '127.0.0.1', meaning: 'The address to listen on.' }),
      idle_timeout: duration({
        default: 15_000,
        min: 1,
        max: 86_400_000,
        meaning: 'How long the window of an idle host lasts; at its end its counters start again from nothing, as LB-9 says.',
      }),
    }),
    mysql: section(
      'The a|b database.',
      { zone: text({ default: '', maxLength: 9, meaning: 'One|two\nlines.' }) },
      { aliases: ['sql'] },
    ),
    modules: patternSection({
      form: 'module MODID/CMDID',
      example: 'module 1/2',
      meaning: 'What one module does otherwise.',
      fields: { banner: text({ default: ' ;x', maxLength: 9, meaning: 'A text.' }) },
      parseName: name => (name.startsWith('module ') ? name : undefined),
    }),
  },
});

describe('the sample file', () => {
  test('reads like this', () => {
    expect(
      formatSample(table),
    ).toBe(`; The LARS agent. Every key below stands at its default and may be left out. Durations may have a
; unit: ms, s, min or h.

; Where business code asks.
[udp]

; The address to listen on.
; Takes an IPv4 address. Default: 127.0.0.1
ip = 127.0.0.1

; How long the window of an idle host lasts; at its end its counters start again from nothing, as
; LB-9 says.
; Takes a number of seconds in 0.001..86400. Default: 15 s
idle_timeout = 15

; The a|b database.
[mysql]

; One|two lines.
; Takes a text of at most 9 characters, or nothing. Default: empty
zone =

; [module MODID/CMDID]: What one module does otherwise.
; [module 1/2]
; banner = " ;x"
`);
  });

  test('its example of a pattern section is right once it is no comment any more', () => {
    const uncommented = formatSample(table).replace(/^; (\[module 1|banner)/gm, '$1');
    expect(loadConfig(table, { path: 'agent.ini', text: uncommented }).modules).toEqual(
      new Map([['module 1/2', { banner: ' ;x' }]]),
    );
  });

  test('always loads back to the defaults', () => {
    fc.assert(
      fc.property(sections, fc.string({ unit: 'grapheme' }), (declared, title) => {
        const random = defineConfig({ file: 'x.ini', title, sections: declared });
        const loaded = loadConfig(random, { path: 'x.ini', text: formatSample(random) });
        const defaults = Object.entries(declared).map(([name, { fields }]) => [
          name,
          Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, field.default])),
        ]);
        expect(loaded).toEqual(Object.fromEntries(defaults));
      }),
    );
  });
});

describe('the docs', () => {
  test('read like this', () => {
    expect(formatMarkdown(table)).toBe(`## \`agent.ini\`

The LARS agent.

### \`[udp]\`

Where business code asks.

| key | default | takes | meaning |
| --- | --- | --- | --- |
| \`ip\` | \`127.0.0.1\` | an IPv4 address | The address to listen on. |
| \`idle_timeout\` | \`15\` s | a number of seconds in 0.001..86400 | How long the window of an idle host lasts; at its end its counters start again from nothing, as LB-9 says. |

### \`[mysql]\`

The a|b database. Also read as \`[sql]\`.

| key | default | takes | meaning |
| --- | --- | --- | --- |
| \`zone\` | empty | a text of at most 9 characters, or nothing | One\\|two lines. |

### \`[module MODID/CMDID]\`

What one module does otherwise.

| key | default | takes | meaning |
| --- | --- | --- | --- |
| \`banner\` | \` ;x\` | a text of at most 9 characters | A text. |
`);
  });
});

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,8}$/);
const meaning = fc.string({ unit: 'grapheme', maxLength: 300 });
const anyText = fc.string({ unit: 'binary', maxLength: 40 }).filter(value => !/[\p{Cc}\uFFFD]/u.test(value));
const trickyText = fc
  .array(fc.constantFrom('\\', ';', '#', '"', "'", ' ', '=', '[', 'a', '\u2028', '\uFEFF'), { maxLength: 12 })
  .map(parts => parts.join(''));

function bounded(
  values: fc.Arbitrary<number>,
): fc.Arbitrary<{ readonly min: number; readonly default: number; readonly max: number }> {
  return fc.tuple(values, values, values).map(drawn => {
    const [min, value, max] = drawn.toSorted((a, b) => a - b) as [number, number, number];
    return { min, default: value, max };
  });
}

const wholes = bounded(fc.maxSafeInteger().map(value => value + 0));
const decimals = bounded(fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => value + 0));

const field: fc.Arbitrary<Field<unknown>> = fc
  .record({
    meaning,
    whole: wholes,
    number: decimals,
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    words: fc.uniqueArray(fc.stringMatching(/^[a-z0-9_-]{1,9}$/), { minLength: 1 }),
    yes: fc.boolean(),
    letters: fc.oneof(anyText, trickyText),
    ip: fc.oneof(fc.constant(''), fc.ipV4()),
    name: fc.oneof(fc.constant(''), fc.ipV4(), fc.constantFrom('::', '2001:db8::1', 'db.example')),
    kind: fc.nat(),
  })
  .map(({ kind, ...drawn }) => {
    const kinds: readonly Field<unknown>[] = [
      integer({ ...drawn.whole, meaning: drawn.meaning }),
      milliseconds({ ...drawn.whole, meaning: drawn.meaning }),
      bytes({ ...drawn.whole, meaning: drawn.meaning }),
      decimal({ ...drawn.number, meaning: drawn.meaning }),
      duration({ ...drawn.number, meaning: drawn.meaning }),
      duration({ ...drawn.whole, meaning: drawn.meaning }),
      ratio({ default: drawn.share, meaning: drawn.meaning }),
      flag({ default: drawn.yes, meaning: drawn.meaning }),
      choice(drawn.words, { default: drawn.words[0] as string, meaning: drawn.meaning }),
      text({ default: drawn.letters, maxLength: 80, meaning: drawn.meaning }),
      path({ default: drawn.letters, meaning: drawn.meaning }),
      ipv4({ default: drawn.ip, meaning: drawn.meaning }),
      host({ default: drawn.name, meaning: drawn.meaning }),
    ];
    return kinds[kind % kinds.length] as Field<unknown>;
  });

const sections = fc.dictionary(
  name,
  fc.tuple(meaning, fc.dictionary(name, field, { maxKeys: 6 })).map(([about, fields]) => section(about, fields)),
  { maxKeys: 4, noNullPrototype: true },
);
