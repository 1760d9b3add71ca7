import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  type ConfigOf,
  choice,
  defineConfig,
  duration,
  flag,
  host,
  integer,
  ipv4,
  loadConfig,
  patternSection,
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
    reporter: section('Reporter', { host: host({ default: '127.0.0.1', meaning }) }, { aliases: ['repoter'] }),
    loadbalance: section('Load balancing', {
      idle_timeout: duration({ default: 15_000, min: 1, max: 86_400_000, meaning }),
      tcost_amplify: flag({ default: true, meaning }),
    }),
    texts: section('Texts', { zone: text({ default: '', maxLength: 64, meaning }) }),
    modules: patternSection({
      form: 'module MODID/CMDID',
      example: 'module 1/2',
      meaning: 'One module',
      fields: {
        algorithm: choice(['adaptive', 'classic'], { default: 'adaptive', meaning }),
        probes: integer({ default: 10, min: 1, max: 1000, meaning }),
      },
      parseName(name): string | undefined {
        const match = /^module (-?[0-9]{1,10})\/(-?[0-9]{1,10})$/.exec(name);
        return match === null ? undefined : `${Number(match[1])}/${Number(match[2])}`;
      },
    }),
  },
});

type Config = ConfigOf<typeof table>;

function load(conf: string): Config {
  return loadConfig(table, { path: 'conf/agent.ini', text: conf });
}

test('the type of the configuration follows from the table', () => {
  expectTypeOf<Config['udp']>().toEqualTypeOf<{
    readonly ip: string;
    readonly port: number;
    readonly transport: 'auto' | 'dgram';
  }>();
  expectTypeOf<Config['loadbalance']>().toEqualTypeOf<{ readonly idle_timeout: number; readonly tcost_amplify: boolean }>();
  expectTypeOf<Config['modules']>().toEqualTypeOf<
    ReadonlyMap<string, { readonly algorithm?: 'adaptive' | 'classic'; readonly probes?: number }>
  >();
  // @ts-expect-error a default is one of the words
  const wrong = choice(['x'], { default: 'y', meaning });
  expect(() => defineConfig({ file: 'a.ini', title: '', sections: { a: section('', { wrong }) } })).toThrow(TypeError);
});

test('a configuration does not change', () => {
  const config = load('[module 1/2]\nprobes = 3');
  // @ts-expect-error its type says so
  expect(() => (config.udp.port = 1)).toThrow(TypeError);
  expect([config, config.udp, config.modules.get('1/2')].every(Object.isFrozen)).toBe(true);
});

test('an empty file gives the defaults, whatever was loaded before', () => {
  load('[udp]\nport = 1\n[texts]\nzone = a\n[module 1/2]\nprobes = 3');
  expect(load('')).toEqual({
    udp: { ip: '127.0.0.1', port: 8888, transport: 'auto' },
    reporter: { host: '127.0.0.1' },
    loadbalance: { idle_timeout: 15_000, tcost_amplify: true },
    texts: { zone: '' },
    modules: new Map(),
  });
});

describe('layout', () => {
  test.each<[string, string]>([
    ['line ends of Unix', '[udp]\nip = 10.0.0.1\nport = 9\n'],
    ['line ends of Windows', '[udp]\r\nip = 10.0.0.1\r\nport = 9\r\n'],
    ['line ends of old', '[udp]\rip = 10.0.0.1\rport = 9'],
    ['a byte order mark', '\uFEFF[udp]\nip = 10.0.0.1\nport = 9'],
    ['tabs and spaces', '\t [\tudp ]  \n\tip\t=\t10.0.0.1 \n  port   =9'],
    ['no spaces', '[udp]\nip=10.0.0.1\nport=9'],
    ['comments', ';x\n  # y = [\n[udp] ; udp\nip = 10.0.0.1 ; 地址\n;port=1\nport = 9 #端口'],
    ['a comment in another encoding', '[udp]\nip = 10.0.0.1\nport = 9 ;\uFFFD\uFFFD'],
    ['a section in two places', '[udp]\nip = 10.0.0.1\n[texts]\n[udp]\nport = 9'],
    ['quotes', `[udp]\nip = "10.0.0.1"\nport = '9' ; nine`],
  ])('%s', (_, conf) => {
    expect(load(conf).udp).toEqual({ ip: '10.0.0.1', port: 9, transport: 'auto' });
  });

  test('a section may go by its other name', () => {
    expect(load('[repoter]\nhost = db.example').reporter).toEqual({ host: 'db.example' });
  });
});

describe('the text behind the =', () => {
  test.each<[string, string]>([
    ['plain words', 'plain words'],
    ['a=b', 'a=b'],
    ['a#b;c', 'a#b;c'],
    ['a ;c', 'a'],
    ['a\t# c', 'a'],
    ['a \\;b \\# c', 'a ;b # c'],
    ['C:\\dir\\file', 'C:\\dir\\file'],
    ['C:\\dir\\ ; c', 'C:\\dir\\'],
    ['a\\\\;b', 'a\\;b'],
    ['" a ; b # c "', ' a ; b # c '],
    ['"say \\"hi\\"" ; c', 'say "hi"'],
    ["'1e5'", '1e5'],
    ["'true' # c", 'true'],
    ['\'{"a":"\\;"}\'', '{"a":"\\;"}'],
    ["''", ''],
    ['""', ''],
    ['', ''],
    ['true', 'true'],
    ['null', 'null'],
    ['机房 1', '机房 1'],
    ['__proto__', '__proto__'],
  ])('%s', (written, value) => {
    expect(load(`[texts]\nzone = ${written}`).texts.zone).toBe(value);
    expect(load(`[texts]\nzone=${written}`).texts.zone).toBe(value);
  });
});

describe('pattern sections', () => {
  test('give what they are given, under what their name parses to', () => {
    const { modules } = load(
      '[module 1/2]\nalgorithm = classic\n[module -7/08]\nprobes = 3\nalgorithm = adaptive\n[module 3/3]\n',
    );
    expect(modules).toEqual(
      new Map([
        ['1/2', { algorithm: 'classic' }],
        ['-7/8', { probes: 3, algorithm: 'adaptive' }],
        ['3/3', {}],
      ]),
    );
  });

  test('are one section however the name is written', () => {
    expect(load('[module 1/2]\nprobes = 3\n[module 01/2]\nalgorithm = classic').modules).toEqual(
      new Map([['1/2', { probes: 3, algorithm: 'classic' }]]),
    );
  });
});
