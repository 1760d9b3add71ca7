import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonElements } from '../../../../dnsserver/src/edit/json-elements.ts';
import { type RouteEntry, RouteError } from '../../../../dnsserver/src/edit/route-entry.ts';
import { formatRouteLines, parseRouteFile } from '../../../../dnsserver/src/edit/route-file.ts';
import { int32 } from '../../../support/lars-arbitraries.ts';

describe('lines', () => {
  test('are modid,cmdid,host:port[ drain][,weight[,zone]], with comments and empty lines between', () => {
    const text =
      '# routes\n\n1,2,10.0.0.1:80\r\n 1 , 2 , [2001:DB8::1]:80 , 50\n-1,-2,db.example:80,,eu, west\n\n1,2,10.0.0.2:80,7,\n1,2,a.example:80 drain,,eu\n1,2,a.example:81 \tdrain';
    expect(parseRouteFile(text)).toEqual([
      { modid: 1, cmdid: 2, host: '10.0.0.1:80', weight: undefined, zone: undefined, line: 3 },
      { modid: 1, cmdid: 2, host: '[2001:DB8::1]:80', weight: 50, zone: undefined, line: 4 },
      { modid: -1, cmdid: -2, host: 'db.example:80', weight: undefined, zone: 'eu, west', line: 5 },
      { modid: 1, cmdid: 2, host: '10.0.0.2:80', weight: 7, zone: undefined, line: 7 },
      { modid: 1, cmdid: 2, host: 'a.example:80', weight: undefined, zone: 'eu', drain: true, line: 8 },
      { modid: 1, cmdid: 2, host: 'a.example:81', weight: undefined, zone: undefined, drain: true, line: 9 },
    ]);
  });

  test.each(['', '\n', '# nothing', '[]', ' [ ] \n'])('%j has no routes', text => {
    expect(parseRouteFile(text)).toEqual([]);
  });

  test.each([
    ['1,2', 'BAD_FORMAT', 'expected modid,cmdid,host:port[ drain][,weight[,zone]]'],
    ['{"modid": 1}', 'BAD_FORMAT', 'expected modid,cmdid,host:port[ drain][,weight[,zone]]'],
    ['one,2,10.0.0.1:80', 'BAD_MODID', "modid 'one' is not a whole number"],
    ['2147483648,2,10.0.0.1:80', 'BAD_MODID', 'modid 2147483648 is not an int32'],
    ['1,,10.0.0.1:80', 'BAD_CMDID', "cmdid '' is not a whole number"],
    ['1,2,10.0.0.1', 'BAD_HOST', "'10.0.0.1' is no host: expected HOST:PORT or [IPV6]:PORT"],
    ['1,2,10.0.0.1:0', 'BAD_HOST', "port 0 in '10.0.0.1:0' is not in 1..65535"],
    ['1,2,0.0.0.0:80', 'BAD_HOST', "address '0.0.0.0' in '0.0.0.0:80' is not an address that can be called"],
    ['1,2,10.0.0.300:80', 'BAD_HOST', "address '10.0.0.300' in '10.0.0.300:80' is no IPv4 address"],
    ['1,2,10.0.0.1:80 drian', 'BAD_HOST', "'10.0.0.1:80 drian' is no host: expected HOST:PORT or [IPV6]:PORT"],
    ['1,2, drain', 'BAD_HOST', "'drain' is no host: expected HOST:PORT or [IPV6]:PORT"],
    ['1,2,10.0.0.1:80,much', 'BAD_WEIGHT', "weight 'much' is not a whole number"],
    ['1,2,10.0.0.1:80,1000001', 'BAD_WEIGHT', 'weight 1000001 is not a whole number in 0..1000000'],
    [
      '1,2,10.0.0.1:80,0',
      'BAD_WEIGHT',
      'weight 0 is not a whole number in 1..1000000; a host without calls is one that drains, and the usual weight needs no number',
    ],
    ['1,2,10.0.0.1:80,-1', 'BAD_WEIGHT', 'weight -1 is not a whole number in 0..1000000'],
    [
      `1,2,10.0.0.1:80,1,${'z'.repeat(65)}`,
      'BAD_ZONE',
      `zone '${'z'.repeat(65)}' is not one line of at most 64 characters without space around it`,
    ],
  ])('%s is refused with its line', (line, code, why) => {
    const error = thrownBy(() => parseRouteFile(`1,2,10.0.0.1:1\n# comment\n${line}\n1,2,10.0.0.1:2`));
    expect(error).toMatchObject({ code, line: 3, message: `line 3: ${why}` });
  });
});

describe('JSON', () => {
  test('is an array of objects, each known by its line', () => {
    const text = `\uFEFF
[
  {"modid": 1, "cmdid": 2, "host": "a.example:80", "zone": "x\\"],[{"},
  {"modid": 1,
   "cmdid": 2,
   "host": "b.example:80", "weight": 5}, {"modid": 3, "cmdid": 4, "host": "c.example:1"}

  , {"cmdid": 6, "modid": 5, "host": "[::1]:1"}]`;
    expect(parseRouteFile(text).map(({ line, host }) => [line, host])).toEqual([
      [3, 'a.example:80'],
      [4, 'b.example:80'],
      [6, 'c.example:1'],
      [8, '[::1]:1'],
    ]);
  });

  const good = '{"modid": 1, "cmdid": 2, "host": "a.example:80"}';

  test.each([
    ['{"modid": "1", "cmdid": 2, "host": "a.example:80"}', 'BAD_MODID', "modid '1' is not an int32"],
    ['{"cmdid": 2, "host": "a.example:80"}', 'BAD_MODID', 'modid undefined is not an int32'],
    ['{"modid": 1, "cmdid": 1.5, "host": "a.example:80"}', 'BAD_CMDID', 'cmdid 1.5 is not an int32'],
    ['{"modid": 1, "cmdid": 2}', 'BAD_HOST', 'host undefined is not a text'],
    ['{"modid": 1, "cmdid": 2, "host": 5}', 'BAD_HOST', 'host 5 is not a text'],
    ['{"modid": 1, "cmdid": 2, "host": "a b:1"}', 'BAD_HOST', "address 'a b' in 'a b:1' is no DNS name"],
    ['{"modid": 1, "cmdid": 2, "host": "a:1", "weight": "5"}', 'BAD_WEIGHT', "weight '5' is not a whole number in 0..1000000"],
    [
      '{"modid": 1, "cmdid": 2, "host": "a:1", "zone": null}',
      'BAD_ZONE',
      'zone null is not one line of at most 64 characters without space around it',
    ],
    ['{"modid": 1, "cmdid": 2, "host": "a:1", "drain": 1}', 'BAD_DRAIN', 'drain 1 is neither true nor false'],
    ['{"modid": 1, "cmdid": 2, "host": "a:1 drain"}', 'BAD_HOST', "'a:1 drain' is no host: expected HOST:PORT or [IPV6]:PORT"],
    ['{"modid": 1, "cmdid": 2, "host": "a:1", "wieght": 5}', 'BAD_FORMAT', "field 'wieght' is not known"],
    ['7', 'BAD_FORMAT', 'expected an object {modid, cmdid, host, weight, zone, drain}'],
    ['[1]', 'BAD_FORMAT', 'expected an object {modid, cmdid, host, weight, zone, drain}'],
    ['null', 'BAD_FORMAT', 'expected an object {modid, cmdid, host, weight, zone, drain}'],
  ])('%s is refused with its line', (item, code, why) => {
    const error = thrownBy(() => parseRouteFile(`[\n${good},\n\n${item},\n${good}]`));
    expect(error).toMatchObject({ code, line: 4, message: `line 4: ${why}` });
  });

  test.each([
    [`[${good},\n${good},\n,${good}]`, 3, /^line 3: this is not JSON: Unexpected end/],
    [`[${good},\n${good},\n]`, 3, /^line 3: this is not JSON: Unexpected end/],
    [`[\n${good}\n${good}]`, 2, /^line 2: this is not JSON: Unexpected non-whitespace/],
    [`[\n${good},\n{"modid" 1}]`, 3, /^line 3: this is not JSON: Expected ':'/],
    [`[\n${good},\n{"modid: 1}]\n`, 3, /^line 3: this is not JSON: Unterminated string/],
    [`[\n${good}\n`, 3, /^line 3: this is not JSON: the array is not closed/],
    [`[\n${good}]\n7`, 3, /^line 3: this is not JSON: '7' stands behind the array/],
    [`[\n${good}]]`, 2, /^line 2: this is not JSON: ']' stands behind the array/],
    [`[\n${good}}`, 2, /^line 2: this is not JSON: a '}' closes nothing/],
  ])('that is broken is refused where it breaks: %j', (text, line, message) => {
    expect(thrownBy(() => parseRouteFile(text))).toMatchObject({
      code: 'BAD_FORMAT',
      line,
      message: expect.stringMatching(message),
    });
  });

  test('is what JSON.parse says it is', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), fc.constantFrom('', '  '), (values, indent) => {
        const elements = [...jsonElements(JSON.stringify(values, undefined, indent))];
        expect(elements.map(element => JSON.parse(element.text))).toEqual(JSON.parse(JSON.stringify(values)));
      }),
    );
  });
});

const entry: fc.Arbitrary<RouteEntry> = fc.record({
  modid: int32,
  cmdid: int32,
  host: fc.constantFrom('10.0.0.1:80', '[2001:db8::1]:65535', 'db.example:1', 'drain:1'),
  weight: fc.integer({ min: 0, max: 1_000_000 }),
  zone: fc.constantFrom('', 'eu', 'a,b', '#1', '[x]', '"', '\u00e9\u00df', 'drain'),
  drain: fc.boolean(),
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), entries => {
      const read = parseRouteFile(formatRouteLines(entries)).map(({ line, weight = 0, zone = '', drain = false, ...rest }) => ({
        ...rest,
        weight,
        zone,
        drain,
      }));
      expect(read).toEqual(entries);
    }),
  );
});

test('the usual weight is no number, and is read as earlier versions wrote it', () => {
  expect(formatRouteLines([{ modid: 1, cmdid: 2, host: 'a.example:80', weight: 0, zone: 'eu' }])).toBe('1,2,a.example:80,,eu\n');
  expect(parseRouteFile('1,2,a.example:80,0,eu')).toMatchObject([{ weight: 0, zone: 'eu' }]);
});

test('the mark of a host that drains is written only where there is one', () => {
  const entries = [false, true].map(drain => ({ modid: 1, cmdid: 2, host: 'a.example:80', drain }));
  expect(formatRouteLines(entries)).toBe('1,2,a.example:80\n1,2,a.example:80 drain\n');
});

test('whatever the text, the answer is entries or an error that names what is wrong', () => {
  const scrap = fc.constantFrom(
    '1',
    ',',
    '\n',
    '[',
    ']',
    '{',
    '}',
    '"',
    ':',
    '10.0.0.1:80',
    'drain',
    '"modid":1',
    ' ',
    '-',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(scrap, { maxLength: 20 }), scraps => {
      try {
        expect(parseRouteFile(scraps.join(''))).toBeInstanceOf(Array);
      } catch (error) {
        expect(error).toBeInstanceOf(RouteError);
      }
    }),
    { numRuns: 1_000 },
  );
});

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
