import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findServerName, HELLO_MAX_BYTES } from '../../../proxy/src/wire/client-hello.ts';
import { type Ends, formatProxyHeader, parseProxyHeader, unmapped } from '../../../proxy/src/wire/proxy-header.ts';
import { clientHello } from '../../support/client-hello.ts';

const port = fc.integer({ min: 1, max: 65_535 });
const ipv4 = fc.ipV4();
const ipv6 = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map(bytes =>
    new URL(
      `http://[${Array.from({ length: 8 }, (_, at) => (((bytes[2 * at] as number) << 8) | (bytes[2 * at + 1] as number)).toString(16)).join(':')}]`,
    ).hostname.slice(1, -1),
  );
const endsOf = (host: fc.Arbitrary<string>) =>
  fc.record({ source: fc.record({ host, port }), destination: fc.record({ host, port }) });
const anyEnds: fc.Arbitrary<Ends> = fc.oneof(endsOf(ipv4), endsOf(ipv6));

describe('PROXY headers', () => {
  test.each(['v1', 'v2'] as const)('%s: what is written is read, wherever it is cut, and nothing behind it', version => {
    fc.assert(
      fc.property(anyEnds, fc.uint8Array({ maxLength: 50 }), (ends, rest) => {
        const header = formatProxyHeader(version, ends);
        for (let length = 0; length < header.length; length++)
          expect(parseProxyHeader(header.subarray(0, length)).kind, `${length} bytes`).toBe('more');
        expect(parseProxyHeader(Buffer.concat([header, rest]))).toEqual({ kind: 'header', length: header.length, ends });
      }),
      { numRuns: 100 },
    );
  });

  test('the examples of the specification', () => {
    const ends = { source: { host: '192.168.0.1', port: 56_324 }, destination: { host: '192.168.0.11', port: 443 } };
    expect(Buffer.from(formatProxyHeader('v1', ends)).toString()).toBe('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n');
    expect(Buffer.from(formatProxyHeader('v2', ends)).toString('hex')).toBe(
      '0d0a0d0a000d0a515549540a2111000cc0a80001c0a8000bdc0401bb',
    );
    expect(Buffer.from(formatProxyHeader('v1', undefined)).toString()).toBe('PROXY UNKNOWN\r\n');
    expect(parseProxyHeader(Buffer.from('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\nGET'))).toStrictEqual({
      kind: 'header',
      length: 35,
      ends: undefined,
    });
  });

  test('an IPv4 client of an IPv6 socket is an IPv4 client; two families have no header', () => {
    expect(unmapped({ host: '::ffff:10.0.0.1', port: 1 })).toStrictEqual({ host: '10.0.0.1', port: 1 });
    const mixed = { source: { host: '10.0.0.1', port: 1 }, destination: { host: '::1', port: 2 } };
    expect(Buffer.from(formatProxyHeader('v1', mixed)).toString()).toBe('PROXY UNKNOWN\r\n');
  });

  test('a proxy that speaks for itself, and a client without an address of the network', () => {
    const local = Buffer.from('0d0a0d0a000d0a515549540a2000000001', 'hex');
    expect(parseProxyHeader(local.subarray(0, 16))).toStrictEqual({ kind: 'header', length: 16, ends: undefined });
    const unix = Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a213100d8', 'hex'), Buffer.alloc(216)]);
    expect(parseProxyHeader(unix)).toStrictEqual({ kind: 'header', length: 232, ends: undefined });
  });

  test.each([
    ['another version', '0d0a0d0a000d0a515549540a3111000c'],
    ['an unknown command', '0d0a0d0a000d0a515549540a2211000c'],
    ['too long', '0d0a0d0a000d0a515549540a2111ffff'],
    ['too short for its addresses', `0d0a0d0a000d0a515549540a21110004${'00'.repeat(4)}`],
    ['a line without an end', Buffer.from(`PROXY TCP4 ${'1'.repeat(107)}`).toString('hex')],
    ['a bad port', Buffer.from('PROXY TCP4 1.2.3.4 1.2.3.4 0 70000\r\n').toString('hex')],
    ['IPv6 that says IPv4', Buffer.from('PROXY TCP4 ::1 ::1 1 1\r\n').toString('hex')],
    ['no header', Buffer.from('GET / HTTP/1.1').toString('hex')],
  ])('%s is bad', (_, hex) => {
    expect(parseProxyHeader(Buffer.from(hex, 'hex')).kind).toBe('bad');
  });

  test('nothing that comes makes it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => ['more', 'bad', 'header'].includes(parseProxyHeader(bytes).kind)),
    );
  });
});

describe('server names', () => {
  test('are found however the ClientHello is cut', () => {
    for (const records of [1, 3, 40]) {
      const hello = Buffer.concat(clientHello('DB.Example', { paddingBytes: 200, records }));
      expect(findServerName(hello)).toStrictEqual({ kind: 'name', name: 'db.example' });
      expect(findServerName(Buffer.concat([hello, Buffer.from('more')]))).toStrictEqual({ kind: 'name', name: 'db.example' });
      for (let length = 1; length < hello.length; length++)
        expect(findServerName(hello.subarray(0, length)).kind, `${length} bytes of ${hello.length}`).toBe('more');
    }
  });

  test('of a ClientHello of 20 KiB', () => {
    expect(findServerName(Buffer.concat(clientHello('a', { paddingBytes: 20_000, records: 2 })))).toStrictEqual({
      kind: 'name',
      name: 'a',
    });
  });

  test.each([
    ['no name', Buffer.concat(clientHello(undefined, { paddingBytes: 10, records: 1 }))],
    ['another protocol', Buffer.from('EHLO a')],
    ['SSH', Buffer.from('SSH-2.0-x')],
    ['an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
    ['a record without bytes', Buffer.from([22, 3, 1, 0, 0])],
    ['a handshake that is no ClientHello', Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['more than may be read', Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0, 1, 0, 0x7f, 0xf0]), Buffer.alloc(HELLO_MAX_BYTES)])],
  ])('%s: none', (_, bytes) => {
    expect(findServerName(bytes).kind).toBe('none');
  });

  test('nothing that comes makes it throw', () => {
    const hello = Buffer.concat(clientHello('db.example', { paddingBytes: 5, records: 2 }));
    fc.assert(
      fc.property(fc.nat(hello.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const bent = Buffer.from(hello);
        bent[at] = byte;
        return ['more', 'none', 'name'].includes(findServerName(bent).kind);
      }),
    );
  });
});
