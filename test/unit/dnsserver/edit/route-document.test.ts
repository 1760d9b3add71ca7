import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRoutesJson, formatRoutesYaml } from '../../../../cli/src/output/route-document.ts';
import { parseRouteDocument } from '../../../../dnsserver/src/edit/route-document.ts';
import { RouteError } from '../../../../dnsserver/src/edit/route-entry.ts';

const YAML = `# ours
routes:
  - modid: 1
    cmdid: -2
    hosts:
      - 10.0.0.1:80
      - {host: "::1", port: 81, weight: 200, zone: eu}
      - host: db.example
        port: 82
        drain: true
  - {modid: 3, cmdid: 4, hosts: []}
`;

const ENTRIES = [
  { modid: 1, cmdid: -2, host: '10.0.0.1:80' },
  { modid: 1, cmdid: -2, host: '[::1]:81', weight: 200, zone: 'eu' },
  { modid: 1, cmdid: -2, host: 'db.example:82', drain: true },
];

describe('a document', () => {
  test('of routes is read from YAML and from JSON', async () => {
    expect(await parseRouteDocument(YAML)).toEqual(ENTRIES);
    const { parse } = await import('yaml');
    expect(await parseRouteDocument(JSON.stringify(parse(YAML)))).toEqual(ENTRIES);
  });

  test.each([
    [
      'one route, with what getroute prints beside it',
      '{"modid":1,"cmdid":2,"version":7,"overload":false,"hosts":[{"host":"a.example","port":1}]}',
    ],
    ['one host with its module', '{"modid":1,"cmdid":2,"host":"a.example","port":1}'],
    ['a list of hosts with their modules', '[{"modid":1,"cmdid":2,"host":"a.example:1"}]'],
  ])('may be %s', async (_, text) => {
    expect(await parseRouteDocument(text)).toEqual([{ modid: 1, cmdid: 2, host: 'a.example:1' }]);
  });

  const host = (details: string) => `routes:\n  - modid: 1\n    cmdid: 1\n    hosts:\n      - {host: a.example, ${details}}\n`;
  test.each([
    ['routes:\n\t- a', 'line 2, column 1: this is neither YAML nor JSON: '],
    ['{"routes": [}', 'line 1, column 13: this is neither YAML nor JSON: '],
    ['routes: 5', 'line 1, column 9: routes is not a list'],
    ['7', 'line 1, column 1: expected an object with a list routes'],
    ['route:\n  - 5', 'line 2, column 3: there is no list routes'],
    ['routes: []\nroutez: []', "line 2, column 9: key 'routez' is not known; did you mean routes?"],
    ['routes:\n  - 5', 'line 2, column 5: expected a route {modid, cmdid, hosts}'],
    [host('prot: 80'), "line 5, column 33: key 'prot' is not known; did you mean port?"],
    [host('port: 0'), "line 5, column 16: port 0 in 'a.example:0' is not in 1..65535"],
    [
      host('port: 80, weight: 0'),
      'line 5, column 45: weight 0 is not a whole number in 1..1000000; a host without calls is one that drains, and the usual weight needs no number',
    ],
    [host('port: 80, weight: heavy'), "line 5, column 45: weight 'heavy' is not a whole number in 0..1000000"],
    [host('port: 80, zone: 7'), 'line 5, column 43: zone 7 is not one line of at most 64 characters'],
    [host('port: 80, drain: maybe'), "line 5, column 44: drain 'maybe' is neither true nor false"],
    [host('port: 80').replace('modid: 1', 'modid: x'), "line 2, column 12: modid 'x' is not an int32"],
    [`${host('port: 80')}      - a.example:80\n`, 'line 6, column 9: host a.example:80 of module 1/1 is there twice'],
    ['{"routes": [\n{"modid": 1, "cmdid": 1, "hosts": [{"host": 5}]}]}', 'line 2, column 45: host 5 is not a text'],
    ['routes: []\n---\nroutes: []', 'line 2, column 1: this is neither YAML nor JSON: '],
    ['routes: [*a]', 'line 1, column '],
  ])('%j is refused with line and column', async (text, message) => {
    const error: unknown = await parseRouteDocument(text).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RouteError);
    expect((error as Error).message).toContain(message);
    expect((error as Error).message).not.toContain('\n');
  });

  test('whose aliases multiply themselves is refused', async () => {
    const levels = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
    for (const [at, name] of [...'bcdefgh'].entries()) levels.push(`${name}: &${name} [${`*${'abcdefg'[at]},`.repeat(10)}]`);
    await expect(parseRouteDocument(`${levels.join('\n')}\nroutes: []`)).rejects.toMatchObject({ code: 'BAD_FORMAT' });
  });

  test('whatever it is, is entries or an error that names what is wrong', async () => {
    const scrap = fc.constantFrom(
      'routes:',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ': ',
      'modid: 1',
      'hosts:',
      '&a',
      '*a',
      '"',
      '?',
      '!!x',
      '|',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(scrap, { maxLength: 30 }), async parts => {
        const error: unknown = await parseRouteDocument(parts.join('')).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(RouteError);
      }),
    );
  });
});

const hostDocument = fc.record({
  host: fc.constantFrom('10.0.0.1', '2001:db8::1', 'db.example'),
  port: fc.integer({ min: 1, max: 65_535 }),
  weight: fc.integer({ min: 1, max: 1_000_000 }),
  zone: fc.constantFrom('', 'eu', 'a,b', '#1', '[x]', '"', '\u00e9\u00df', 'true', '0x1f'),
  drain: fc.boolean(),
});

test.each([
  ['JSON', formatRoutesJson],
  ['YAML', formatRoutesYaml],
] as const)('what is written as %s is read again', async (_, format) => {
  const hosts = fc.uniqueArray(hostDocument, { minLength: 1, maxLength: 5, selector: ({ host, port }) => `${host} ${port}` });
  const routes = fc.uniqueArray(fc.record({ modid: fc.integer({ min: -5, max: 5 }), cmdid: fc.constant(1), hosts }), {
    selector: ({ modid }) => modid,
  });
  await fc.assert(
    fc.asyncProperty(routes, async some => {
      const flat = some.flatMap(({ modid, cmdid, hosts }) => hosts.map(host => ({ modid, cmdid, ...host })));
      const named = flat.map(({ host, port, ...rest }) => ({
        ...rest,
        host: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
      }));
      expect(await parseRouteDocument(format(some))).toEqual(named);
    }),
  );
});
