import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onlyModule, parseModule, shieldModules, takeModule } from '../../../cli/src/arguments/module-id.ts';
import { UsageError } from '../../../cli/src/errors.ts';

const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

describe('a module on the command line', () => {
  test('is every pair of int32, written with a slash or as two words', () => {
    fc.assert(
      fc.property(int32, int32, (modid, cmdid) => {
        const module = { modid, cmdid };
        expect(parseModule(`${modid}/${cmdid}`)).toStrictEqual(module);
        expect(takeModule([`${modid}/${cmdid}`, 'rest'])).toStrictEqual({ module, rest: ['rest'] });
        expect(takeModule([String(modid), String(cmdid), 'rest'])).toStrictEqual({ module, rest: ['rest'] });
      }),
    );
  });

  test('has no negative zero', () => {
    expect(parseModule('-0/-0')).toStrictEqual({ modid: 0, cmdid: 0 });
  });

  test.each([
    '',
    '1',
    '/',
    '1/',
    '/1',
    '1/2/3',
    '1.5/2',
    '0x1/2',
    '1e3/2',
    'a/b',
    '2147483648/1',
    '1/-2147483649',
    '+1/2',
    '1 /2',
  ])("is not '%s'", text => {
    expect(() => parseModule(text)).toThrow(UsageError);
  });

  test.each([[[]], [['1']], [['a', 'b']], [['1', '2.5']], [['1', '2147483648']], [['1', '']]])('is not the words %j', words => {
    expect(() => takeModule(words)).toThrow(UsageError);
  });

  test('may be all that a command takes', () => {
    expect(onlyModule(['1', '2'])).toStrictEqual({ modid: 1, cmdid: 2 });
    expect(() => onlyModule(['1', '2', '3'])).toThrow("'3' is one argument too many");
    expect(() => onlyModule(['1/2', '3'])).toThrow("'3' is one argument too many");
  });

  test('is named in the error about it, without the shield', () => {
    expect(() => parseModule(' -1/x')).toThrow("module '-1/x'");
  });
});

describe('shieldModules', () => {
  test('lets a negative module pass for an argument, and leaves options and numbers alone', () => {
    const argv = ['route', 'add', '-3/2', '-3', '--db', 'x', '-3/-2', '1/-2', '-x/2'];
    expect(shieldModules(argv)).toStrictEqual(['route', 'add', ' -3/2', '-3', '--db', 'x', ' -3/-2', '1/-2', '-x/2']);
  });

  test('does not change what the module is', () => {
    fc.assert(
      fc.property(int32, int32, (modid, cmdid) => {
        const [shielded = ''] = shieldModules([`${modid}/${cmdid}`]);
        expect(shielded.startsWith('-')).toBe(false);
        expect(parseModule(shielded)).toStrictEqual({ modid, cmdid });
      }),
    );
  });
});
