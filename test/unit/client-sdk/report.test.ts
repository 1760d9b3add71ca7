import { describe, expect, test } from 'vitest';
import { LarsHost } from '../../../client-sdk/src/lars-host.ts';
import { makeReport } from '../../../client-sdk/src/report.ts';
import { HOST } from './fake-agent.ts';

const target = { modid: 1, cmdid: -2, host: '10.0.0.5', port: 80 };

describe('a report on the wire', () => {
  test('of a picked host carries its module and address, and nothing of its weight and zone', () => {
    const host = new LarsHost(1, -2, { ...HOST, weight: 7, zone: 'a' });
    const expected = { modid: 1, cmdid: -2, host: HOST, retcode: 0, tcost: 12 };
    expect(makeReport(host, { ok: true, tcostMs: 12 })).toEqual(expected);
    expect(makeReport(JSON.parse(JSON.stringify(host)), { ok: true, tcostMs: 12 })).toEqual(expected);
  });

  test.each([
    ['10.0.0.5', { ip: 0x0a000005, addr: '' }],
    ['2001:db8::1', { ip: 0, addr: '2001:db8::1' }],
    ['db.example', { ip: 0, addr: 'db.example' }],
  ])('takes %s', (host, address) => {
    expect(makeReport({ ...target, host }, { ok: false }).host).toMatchObject({ ...address, port: 80 });
  });

  test('success is 0, failure is not', () => {
    expect(makeReport(target, { ok: true }).retcode).toBe(0);
    expect(makeReport(target, { ok: false }).retcode).toBe(1);
  });

  test.each([
    [undefined, 0],
    [0, 1],
    [0.2, 1],
    [1.4, 1],
    [12.6, 13],
    [2 ** 32 - 1, 2 ** 32 - 1],
    [2 ** 32, 2 ** 32 - 1],
    [Number.POSITIVE_INFINITY, 2 ** 32 - 1],
  ])('a duration of %j ms is sent as %j', (tcostMs, tcost) => {
    expect(makeReport(target, { ok: true, tcostMs }).tcost).toBe(tcost);
  });

  test.each<[unknown, unknown, string]>([
    [{ ...target, modid: 2 ** 31 }, { ok: true }, 'modid must be an integer in -2147483648..2147483647, not 2147483648'],
    [{ ...target, cmdid: '2' }, { ok: true }, "cmdid must be an integer in -2147483648..2147483647, not '2'"],
    [{ ...target, host: '10.0.0.256' }, { ok: true }, "host must be an address and a port, not '10.0.0.256:80'"],
    [{ modid: 1, cmdid: 2, port: 80 }, { ok: true }, 'host must be a host with modid, cmdid, host and port, not undefined'],
    [{ ...target, port: 0 }, { ok: true }, "host must be an address and a port, not '10.0.0.5:0'"],
    [undefined, { ok: true }, 'host must be an object, not undefined'],
    [target, undefined, 'result must be an object, not undefined'],
    [target, { ok: true, tcost: 5 }, "result must not have 'tcost': did you mean tcostMs?"],
    [target, { ok: 1 }, 'result.ok must be true or false, not 1'],
    [target, { ok: true, tcostMs: -1 }, 'result.tcostMs must be a number of milliseconds, not -1'],
    [target, { ok: true, tcostMs: Number.NaN }, 'result.tcostMs must be a number of milliseconds, not NaN'],
  ])('%j with %j is refused', (host, result, message) => {
    expect(() => makeReport(host as never, result as never)).toThrow(
      expect.objectContaining({ code: 'LARS_BAD_ARGUMENT', message: expect.stringContaining(message) }),
    );
  });
});

describe('a host', () => {
  test.each([
    [HOST, '10.0.0.5', '10.0.0.5:80'],
    [{ ...HOST, ip: -1062731343 }, '192.168.1.177', '192.168.1.177:80'],
    [{ ...HOST, ip: 0, addr: '2001:db8::1' }, '2001:db8::1', '[2001:db8::1]:80'],
    [{ ...HOST, ip: 0, addr: 'db.example' }, 'db.example', 'db.example:80'],
  ])('reads well as text (%#)', (info, name, authority) => {
    const host = new LarsHost(1, 2, info);
    expect([host.host, host.port, host.authority, `${host}`]).toEqual([name, 80, authority, authority]);
  });

  test('weighs 100 where the route says nothing', () => {
    expect([0, 7].map(weight => new LarsHost(1, 2, { ...HOST, weight }).weight)).toEqual([100, 7]);
  });
});
