import { INT32_MAX, INT32_MIN } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRow } from '../../../../dnsserver/src/follow/parse-rows.ts';
import { columnForms, type RouteRow, toInt32, usableRevision } from '../../../../dnsserver/src/store/route-store.ts';

const row: RouteRow = {
  id: 7,
  modid: 1,
  cmdid: 2,
  serverip: 0x0a000005,
  serverport: 80,
  weight: 0,
  addr: '',
  zone: '',
  drain: 0,
};

describe('a row of RouteData becomes a host', () => {
  test.each<[string, Partial<RouteRow>, object]>([
    ['a low address is the same number', {}, { ip: 0x0a000005, port: 80, weight: 0, addr: '', zone: '', drain: false }],
    ['a high address is negative on the wire', { serverip: 3232235953 }, { ip: -1062731343 }],
    ['weight and zone are taken over', { weight: 250, zone: 'eu-1' }, { weight: 250, zone: 'eu-1' }],
    ['a drain mark is taken over', { drain: 1 }, { drain: true }],
    [
      'a drain mark is taken over for a name, too',
      { serverip: 0, addr: 'db.example', drain: 1 },
      { addr: 'db.example', drain: true },
    ],
    [
      'columns added by others may hold NULL',
      { weight: null, addr: null, zone: null, drain: null },
      { weight: 0, addr: '', zone: '', drain: false },
    ],
    ['a DNS name, in small letters', { serverip: 0, addr: 'DB.example' }, { ip: 0, addr: 'db.example' }],
    ['an IPv6 address', { serverip: 0, addr: '2001:DB8::1' }, { ip: 0, addr: '2001:db8::1' }],
    ['an IPv4 address in the wrong column', { serverip: 0, addr: '10.0.0.5' }, { ip: 0x0a000005, addr: '' }],
    ['the number is served when there are both', { addr: 'db.example' }, { ip: 0x0a000005, addr: '' }],
  ])('%s', (_, columns, host) => {
    expect(parseRow({ ...row, ...columns })).toMatchObject({ modid: 1, cmdid: 2, hosts: [host] });
  });

  test('unsigned module ids are the negative ones', () => {
    expect(parseRow({ ...row, modid: 4294967295, cmdid: 2147483648 })).toMatchObject({ modid: -1, cmdid: INT32_MIN });
  });

  test.each<[Partial<RouteRow>, string]>([
    [{ modid: null }, 'modid NULL is not an int32'],
    [{ modid: 'one' }, "modid 'one' is not an int32"],
    [{ modid: 4294967296 }, 'modid 4294967296 is not an int32'],
    [{ modid: -2147483649 }, 'modid -2147483649 is not an int32'],
    [{ cmdid: 1.5 }, 'cmdid 1.5 is not an int32'],
    [{ serverip: null }, 'serverip NULL is not an unsigned 32-bit number'],
    [{ serverip: -1 }, 'serverip -1 is not an unsigned 32-bit number'],
    [{ serverip: 4294967296 }, 'serverip 4294967296 is not an unsigned 32-bit number'],
    [{ serverip: '10.0.0.5' }, "serverip '10.0.0.5' is not an unsigned 32-bit number"],
    [{ serverip: 0 }, 'serverip is 0 and addr is empty'],
    [{ serverport: 0 }, 'serverport 0 is not in 1..65535'],
    [{ serverport: 65536 }, 'serverport 65536 is not in 1..65535'],
    [{ serverport: null }, 'serverport NULL is not in 1..65535'],
    [{ serverport: 'http' }, "serverport 'http' is not in 1..65535"],
    [{ weight: -1 }, 'weight -1 is not a weight'],
    [{ weight: 1_000_001 }, 'weight 1000001 is not a weight'],
    [{ weight: 'much' }, "weight 'much' is not a weight"],
    [{ zone: 'z'.repeat(65) }, `zone '${'z'.repeat(40)}' is not a zone`],
    [{ zone: 'a\nb' }, "zone 'a\nb' is not a zone"],
    [{ zone: 5 }, 'zone 5 is not a zone'],
    [{ drain: 2 }, 'drain 2 is neither 0 nor 1'],
    [{ drain: -1 }, 'drain -1 is neither 0 nor 1'],
    [{ drain: 'yes' }, "drain 'yes' is neither 0 nor 1"],
    [{ drain: undefined }, 'drain undefined is neither 0 nor 1'],
    [{ serverip: 0, addr: 'no name' }, "addr 'no name' is neither an IPv6 address nor a DNS name"],
    [{ serverip: 0, addr: ':::' }, "addr ':::' is neither an IPv6 address nor a DNS name"],
    [{ serverip: 0, addr: 9 }, 'addr 9 is neither an IPv6 address nor a DNS name'],
  ])('%j is invalid: %s', (columns, reason) => {
    expect(parseRow({ ...row, ...columns })).toBe(reason);
  });
});

test('every int32 is found again in each form that a column may hold it in', () => {
  fc.assert(
    fc.property(fc.integer({ min: INT32_MIN, max: INT32_MAX }), id => {
      const forms = columnForms(id);
      expect(forms).toHaveLength(id < 0 ? 2 : 1);
      for (const form of forms) expect(toInt32(form)).toBe(id);
    }),
  );
});

test.each([
  [5, 5],
  [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  [2 ** 53, 0],
  [-1, 0],
  [1.5, 0],
  ['7', 0],
  [null, 0],
])('a version column that holds %s counts as revision %d', (value, revision) => {
  expect(usableRevision(value)).toBe(revision);
});
