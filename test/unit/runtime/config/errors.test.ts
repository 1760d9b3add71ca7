import { describe, expect, test } from 'vitest';
import {
  ConfigError,
  choice,
  defineConfig,
  integer,
  ipv4,
  loadConfig,
  MAX_CONFIG_BYTES,
  patternSection,
  ratio,
  section,
  text,
} from '../../../../runtime/src/config/config.ts';

const meaning = 'Said elsewhere.';
const table = defineConfig({
  file: 'agent.ini',
  title: 'An agent.',
  sections: {
    udp: section('UDP', {
      ip: ipv4({ default: '127.0.0.1', meaning }),
      port: integer({ default: 8888, min: 0, max: 65533, meaning }),
      transport: choice(['auto', 'dgram'], { default: 'auto', meaning }),
    }),
    reporter: section('Reporter', { err_rate: ratio({ default: 0.1, meaning }) }, { aliases: ['repoter'] }),
    texts: section('Texts', {
      name: text({ default: 'lars', maxLength: 64, meaning }),
      password: text({ default: '', maxLength: 16, secret: true, meaning }),
    }),
    modules: patternSection({
      form: 'module N',
      example: 'module 1',
      meaning: 'One module',
      fields: { probes: integer({ default: 10, min: 1, max: 1000, meaning }) },
      parseName: name => (/^module [0-9]{1,9}$/.test(name) ? Number(name.slice(7)) : undefined),
    }),
  },
});

function errorOf(conf: string): string {
  try {
    loadConfig(table, { path: 'conf/agent.ini', text: conf });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'no error';
}

const knownSections = 'known are [udp], [reporter], [texts], [module N]';
const knownKeys = 'known are ip, port, transport';
const shape = 'expected [section], key = value or a comment, found';
const quotes = `expected "text" as JSON quotes it, or 'text'`;

const mistakes: Readonly<Record<string, readonly (readonly [what: string, conf: string, message: string])[]>> = {
  'a section': [
    ['that is unknown', '\n\n[repotrer]', '3: unknown section [repotrer], did you mean [reporter]?'],
    ['on a line that Windows ended', ';\r\n\r\n[repotrer]', '3: unknown section [repotrer], did you mean [reporter]?'],
    ['in other letters', '[UDP]', '1: unknown section [UDP], did you mean [udp]?'],
    ['like no other', '[mysql]', `1: unknown section [mysql], ${knownSections}`],
    ['without a name', '[]', `1: unknown section [], ${knownSections}`],
    ['with a dot', '[udp.x]', '1: unknown section [udp.x], did you mean [udp]?'],
    ['that only JavaScript knows', '[__proto__]', `1: unknown section [__proto__], ${knownSections}`],
    ['that is the name of a Map of sections', '[modules]', '1: unknown section [modules], did you mean [module N]?'],
    ['that misses its pattern', '[module one]', '1: unknown section [module one], did you mean [module N]?'],
    ['that stays open', '[udp\nport = 1', `1: ${shape} '[udp'`],
    ['that stays open, with =', '[udp = 1', `1: ${shape} '[udp = 1'`],
    ['with words behind it', '[udp] x', `1: ${shape} '[udp] x'`],
  ],
  'a key': [
    ['that is unknown', '[udp]\nprot = 1', '2: [udp] prot: unknown key, did you mean port?'],
    ['in other letters', '[udp]\nPORT = 1', '2: [udp] PORT: unknown key, did you mean port?'],
    ['like no other', '[udp]\nsize=1', `2: [udp] size: unknown key, ${knownKeys}`],
    ['near any short one', '[udp]\nxy=1', `2: [udp] xy: unknown key, ${knownKeys}`],
    ['that makes an array', '[udp]\nport[] = 1', '2: [udp] port[]: unknown key, did you mean port?'],
    ['that only JavaScript knows', '[udp]\n__proto__ = 1', `2: [udp] __proto__: unknown key, ${knownKeys}`],
    ['that every object has', '[udp]\nconstructor = 1', `2: [udp] constructor: unknown key, ${knownKeys}`],
    ['of another section', '[udp]\nprobes = 1', `2: [udp] probes: unknown key, ${knownKeys}`],
    ['without a value', '[udp]\nport', `2: ${shape} 'port'`],
    ['that is missing', '[udp]\n = 1', `2: ${shape} '= 1'`],
    ['on a long line', `\n${'x'.repeat(1000)}`, `2: ${shape} '${'x'.repeat(80)}…'`],
    ['given twice', '[udp]\nport = 1\n\n[texts]\n[udp]\nport = 1', '6: [udp] port is given twice, first on line 2'],
    [
      'twice, under an alias',
      '[reporter]\nerr_rate=0\n[repoter]\nerr_rate=1',
      '4: [reporter] err_rate is given twice, first on line 2',
    ],
    [
      'twice, in a pattern',
      '[module 1]\nprobes = 3\n[module 01]\nprobes = 3',
      '4: [module 1] probes is given twice, first on line 2',
    ],
    ['before any section', '; conf\nport = 1\n[udp]', "2: 'port' stands before any [section]"],
    ['that is unknown in a pattern', '[module 1]\nprobe = 1', '2: [module 1] probe: unknown key, did you mean probes?'],
    ['with what cannot be seen', '[udp]\npo\u200Brt\u0007 = 1', '2: [udp] po\\u{200b}rt\\u{7}: unknown key, did you mean port?'],
  ],
  'a value': [
    ['beyond the bounds', '[reporter]\nerr_rate = 7', '2: [reporter] err_rate = 7: expected a number in 0..1'],
    ['with a unit', '[udp]\nport = 15s', '2: [udp] port = 15s: expected an integer in 0..65533'],
    ['with a comment too near', '[udp]\nport = 1#x', '2: [udp] port = 1#x: expected an integer in 0..65533'],
    ['in a pattern', '[module 1]\nprobes = 0', '2: [module 1] probes = 0: expected an integer in 1..1000'],
    ['that is missing', '[udp]\nport =', '2: [udp] port is empty: expected an integer in 0..65533'],
    ['that is missing in quotes', '[udp]\nport = ""', '2: [udp] port is empty: expected an integer in 0..65533'],
    ['that is missing, of a text', '[texts]\nname=', '2: [texts] name is empty: expected a text of at most 64 characters'],
    ['in a comment', '[udp]\nport = ;1', '2: [udp] port = ;1: only a comment: a value that starts with ; or # needs quotes'],
    ['with open quotes', '[texts]\nname = "a', `2: [texts] name = "a: ${quotes}`],
    ['with words behind quotes', "[texts]\nname = 'a' b", `2: [texts] name = 'a' b: ${quotes}`],
    ['with escapes that JSON has not', '[texts]\nname = "\\x"', `2: [texts] name = "\\x": ${quotes}`],
    ['that is a lonely quote', '[texts]\nname = "', `2: [texts] name = ": ${quotes}`],
    ['that was no UTF-8', '[texts]\nname = a\uFFFD ;', '2: [texts] name = a\uFFFD ;: expected UTF-8'],
    ['on two lines', '[texts]\nname = "a\\nb"', '2: [texts] name = "a\\nb": expected a text of at most 64 characters'],
    ['that is long', `[udp]\nip = ${'1'.repeat(99)}`, `2: [udp] ip = ${'1'.repeat(80)}…: expected an IPv4 address`],
  ],
  'a file': [
    ['with a NUL byte, even in a comment', '[udp]\n;\0\n[x]', '2: a NUL byte: expected a text file in UTF-8'],
    [
      'with many mistakes, for the first one',
      '[udp]\nport = x\nip = y\n[z]',
      '2: [udp] port = x: expected an integer in 0..65533',
    ],
  ],
};

describe.each(Object.entries(mistakes))('%s is refused', (_, cases) => {
  test.each(cases)('%s', (_what, conf, message) => {
    expect(errorOf(conf)).toBe(`conf/agent.ini:${message}`);
  });
});

test('a file that is too large is refused', () => {
  expect(errorOf(';'.repeat(MAX_CONFIG_BYTES))).toBe('no error');
  expect(errorOf(';'.repeat(MAX_CONFIG_BYTES + 1))).toBe('conf/agent.ini: larger than 1048576 bytes');
});

test('a secret does not show', () => {
  const secret = 'hunter2-hunter2-hunter2';
  expect(errorOf(`[texts]\npassword = ${secret}`)).toBe(
    'conf/agent.ini:2: [texts] password = (hidden): expected a text of at most 16 characters, or nothing',
  );
  expect(errorOf(`[texts]\npassword = "${secret}`)).toBe(`conf/agent.ini:2: [texts] password = (hidden): ${quotes}`);
});

test('programs get code, path and line', () => {
  const load = () => loadConfig(table, { path: 'a\nb.ini', text: '[udp]\nport = x' });
  expect(load).toThrow(
    expect.objectContaining({
      name: 'ConfigError',
      code: 'BAD_CONFIG',
      path: 'a\nb.ini',
      line: 2,
      message: 'a\\u{a}b.ini:2: [udp] port = x: expected an integer in 0..65533',
    }),
  );
});
