import { describe, expect, test } from 'vitest';
import {
  bytes,
  choice,
  decimal,
  defineConfig,
  duration,
  type Field,
  flag,
  host,
  integer,
  ipv4,
  milliseconds,
  path,
  ratio,
  section,
  text,
} from '../../../../runtime/src/config/config.ts';

const meaning = 'Said elsewhere.';

interface Kind {
  readonly field: Field<unknown>;
  readonly expected: string;
  readonly good: readonly (readonly [text: string, value: unknown])[];
  readonly bad: readonly string[];
}

const same = (...texts: readonly string[]) => texts.map(each => [each, each] as const);
const kinds: Readonly<Record<string, Kind>> = {
  integer: {
    field: integer({ default: 1, min: -5, max: 65533, meaning }),
    expected: 'an integer in -5..65533',
    good: [
      ['-5', -5],
      ['65533', 65533],
      ['+7', 7],
      ['007', 7],
      ['-0', 0],
    ],
    bad: ['', ' ', '-6', '65534', '1.5', '1.', '15s', '0x10', '1 2', '1e3', 'true', '--1', '٣', '9'.repeat(400)],
  },
  'an integer as large as they get': {
    field: integer({ default: 1, min: 0, max: Number.MAX_VALUE, meaning }),
    expected: 'an integer in 0..1.7976931348623157e+308',
    good: [['9007199254740991', 2 ** 53 - 1]],
    bad: ['9007199254740992'],
  },
  decimal: {
    field: decimal({ default: -0.5, min: -1, max: 1e6, meaning }),
    expected: 'a number in -1..1000000',
    good: [
      ['-1', -1],
      ['1000000', 1e6],
      ['.25', 0.25],
      ['1.', 1],
      ['+2.5e-1', 0.25],
      ['1E6', 1e6],
      ['-0.0', 0],
    ],
    bad: ['', '-1.1', '.', 'e1', '1e', '1e9', '0,5', 'NaN', 'Infinity', '10%', '1.2.3', '1_000'],
  },
  ratio: {
    field: ratio({ default: 0.1, meaning }),
    expected: 'a number in 0..1',
    good: [
      ['0', 0],
      ['0.5', 0.5],
      ['1', 1],
    ],
    bad: ['7', '-0.1', '1.0001'],
  },
  'ratio without its ends': {
    field: ratio({ default: 0.5, exclude: 'both', meaning }),
    expected: 'a number in 0..1, both ends excluded',
    good: [['0.5', 0.5]],
    bad: ['0', '1', '-0'],
  },
  'decimal without its least': {
    field: decimal({ default: 1, min: -1, max: 2, exclude: 'min', meaning }),
    expected: 'a number in -1..2, -1 excluded',
    good: [['2', 2]],
    bad: ['-1'],
  },
  'decimal without its largest': {
    field: decimal({ default: 1, min: -1, max: 2, exclude: 'max', meaning }),
    expected: 'a number in -1..2, 2 excluded',
    good: [['-1', -1]],
    bad: ['2'],
  },
  duration: {
    field: duration({ default: 15_000, min: 1, max: 86_400_000, meaning }),
    expected: 'a number of seconds in 0.001..86400',
    good: [
      ['0.001', 1],
      ['15', 15_000],
      ['1.001', 1_001],
      ['.5', 500],
      ['2.5e-1', 250],
      ['15s', 15_000],
      ['1.5 s', 1_500],
      ['300ms', 300],
      ['0.1 min', 6_000],
      ['24h', 86_400_000],
    ],
    bad: ['', '0', '86400.5', '25h', '15m', '15 S', 's', '15ss', '15s 3', '1e999', 'e1', '1e', '1e2e3', '0ms'],
  },
  'duration without its least': {
    field: duration({ default: 20, min: 0, max: 3_600_000, exclude: 'min', meaning }),
    expected: 'a number of seconds in 0..3600, 0 excluded',
    good: [['0.0001', 0.1]],
    bad: ['0', '-1'],
  },
  milliseconds: {
    field: milliseconds({ default: 100, min: 0, max: 1000, meaning }),
    expected: 'a whole number of milliseconds in 0..1000',
    good: [
      ['1000', 1000],
      ['100ms', 100],
      ['0.3 s', 300],
      ['+1s', 1_000],
    ],
    bad: ['1001', '0.5', '1.001s', '0.0001s', '1min', '-1s'],
  },
  bytes: {
    field: bytes({ default: 4096, min: 1024, max: 1048576, meaning }),
    expected: 'a whole number of bytes in 1024..1048576',
    good: [['1024', 1024]],
    bad: ['1023', '4k'],
  },
  flag: {
    field: flag({ default: true, meaning }),
    expected: 'true or false (or yes/no, on/off, 1/0)',
    good: [
      ...['true', 'True', 'YES', 'on', '1'].map(yes => [yes, true] as const),
      ...['false', 'FALSE', 'no', 'Off', '0'].map(no => [no, false] as const),
    ],
    bad: ['', '2', 'maybe', 'truee'],
  },
  choice: {
    field: choice(['auto', 'dgram'], { default: 'auto', meaning }),
    expected: 'one of auto, dgram',
    good: same('auto', 'dgram'),
    bad: ['', 'Auto', 'udp', 'auto, dgram'],
  },
  ipv4: {
    field: ipv4({ default: '127.0.0.1', meaning }),
    expected: 'an IPv4 address',
    good: same('0.0.0.0', '255.255.255.255'),
    bad: ['', '10.0.0', '10.0.0.256', '10.0.0.01', '::1', 'localhost', '10.0.0.1:80'],
  },
  'ipv4 or nothing': {
    field: ipv4({ default: '', meaning }),
    expected: 'an IPv4 address, or nothing',
    good: same('', '10.0.0.1'),
    bad: ['auto'],
  },
  host: {
    field: host({ default: 'localhost', meaning }),
    expected: 'an IPv4 or IPv6 address or a DNS name',
    good: same('10.0.0.1', '0.0.0.0', '::', 'fe80::1%eth0', '2001:DB8::1', 'DB-1.example.', 'xn--fiqs8s'),
    bad: [
      '',
      'a b',
      '10.0.0.256',
      'db:80',
      '[::1]',
      '-db',
      'db..example',
      '数据库',
      'x.'.repeat(127),
      `fe80::1%${'x'.repeat(246)}`,
    ],
  },
  text: {
    field: text({ default: 'lars', maxLength: 8, meaning }),
    expected: 'a text of at most 8 characters',
    good: same('12345678', ' a\u2028b ', '机房 1', 'a.b[]'),
    bad: ['', '123456789', 'a\nb', 'a\0', '\x1b[2J', '\t'],
  },
  'text or nothing': {
    field: text({ default: '', maxLength: 8, meaning }),
    expected: 'a text of at most 8 characters, or nothing',
    good: same('', 'x'),
    bad: ['123456789'],
  },
  path: {
    field: path({ default: 'lars.db', meaning }),
    expected: 'a path',
    good: same('/var/lib/lars/路由.db', '../x', 'x'.repeat(4095)),
    bad: ['', 'a\0', 'x'.repeat(4096)],
  },
};

describe.each(Object.entries(kinds))('%s', (_, { field, expected, good, bad }) => {
  test('says what it takes', () => {
    expect(field.expected).toBe(expected);
  });

  test.each(good)('takes %j', (written, value) => {
    expect(field.parse(written)).toBe(value);
    expect(field.parse(field.format(value))).toBe(value);
  });

  test.each(bad)('refuses %j', written => {
    expect(field.parse(written)).toBeUndefined();
  });
});

test('only a secret text is a secret', () => {
  expect(text({ default: '', maxLength: 8, secret: true, meaning }).secret).toBe(true);
  expect(Object.values(kinds).filter(({ field }) => field.secret)).toEqual([]);
});

describe('a table that contradicts itself cannot be declared', () => {
  const port = integer({ default: 1, min: 0, max: 9, meaning });
  test.each<[section: string, key: string, field: Field<unknown>, message: string]>([
    ['a', 'b', integer({ default: 10, min: 0, max: 9, meaning }), "[a] b: the default '10' is not an integer in 0..9"],
    ['a', 'b', integer({ default: 0.5, min: 0, max: 9, meaning }), "[a] b: the default '0.5' is not an integer in 0..9"],
    ['a', 'b', ratio({ default: Number.NaN, meaning }), "[a] b: the default 'NaN' is not a number in 0..1"],
    ['a', 'b', ipv4({ default: 'db', meaning }), "[a] b: the default 'db' is not an IPv4 address"],
    [
      'a',
      'b',
      text({ default: '\uFFFD', maxLength: 8, meaning }),
      "[a] b: the default '\uFFFD' is not a text of at most 8 characters",
    ],
    ['a', 'b c', port, "[a] 'b c': expected letters, digits and _"],
    ['a', '_b', port, "[a] '_b': expected letters, digits and _"],
    ['a]', 'b', port, "section 'a]': expected letters, digits and _"],
  ])('[%s] %s', (name, key, field, message) => {
    const declare = () => defineConfig({ file: 'a.ini', title: '', sections: { [name]: section('', { [key]: field }) } });
    expect(declare).toThrow(new TypeError(`a.ini: ${message}`));
  });
});

test('a duration with a unit that there is not is told which there are', () => {
  const field = milliseconds({ default: 300, min: 1, max: 10_000, meaning: '' });
  expect(field.explain?.('1m')).toBe('expected a whole number of milliseconds in 1..10000; it may have a unit: ms, s, min, h');
  expect(field.explain?.('none')).toBeUndefined();
});
