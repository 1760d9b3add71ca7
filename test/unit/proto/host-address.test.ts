import { isIPv4, isIPv6 } from 'node:net';
import {
  formatHost,
  formatHostName,
  formatIpv4,
  type HostAddress,
  hostKey,
  INT32_MAX,
  INT32_MIN,
  isIpv6,
  isPort,
  parseHost,
  parseIpv4,
} from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const arbitraryIp = fc.oneof(fc.constantFrom(INT32_MIN, INT32_MAX, -1, 0, 1), fc.integer());
const arbitraryPort = fc.integer({ min: 1, max: 65_535 });

describe('IPv4', () => {
  test.each([
    ['192.168.1.177', -1062731343],
    ['10.0.0.5', 167772165],
    ['127.0.0.1', 2130706433],
    ['128.0.0.0', INT32_MIN],
    ['127.255.255.255', INT32_MAX],
    ['255.255.255.255', -1],
    ['0.0.0.0', 0],
  ])('%s is %i on the wire', (text, ip) => {
    expect(parseIpv4(text)).toBe(ip);
    expect(formatIpv4(ip)).toBe(text);
  });

  test('every int32 is an address and comes back', () => {
    fc.assert(
      fc.property(arbitraryIp, ip => {
        expect(isIPv4(formatIpv4(ip))).toBe(true);
        expect(parseIpv4(formatIpv4(ip))).toBe(ip);
      }),
    );
  });

  test('takes what node:net takes', () => {
    const part = fc.oneof(
      fc.nat(300).map(String),
      fc.constantFrom('', '0', '00', '01', '1e1', ' 1', '-1', '+1', '0x1', '255', '256', '1\n'),
    );
    const dotted = fc.array(part, { minLength: 3, maxLength: 5 }).map(parts => parts.join('.'));
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: dotted }, fc.string()), text => {
        expect(parseIpv4(text) !== undefined).toBe(isIPv4(text));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('IPv6', () => {
  const WHOLE = ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:10.0.0.1'];
  const SHORT = [
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '::ffff:1.2.3.4',
    'FE80::A%eth0',
    'fe80::1%1',
  ];
  const BAD = [
    '1:2:3::4:5::6:7:8',
    '1::2::3',
    ':::',
    '1:2:3:4:5:6:7:8::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    ':1::2',
    '1.2.3.4',
    '12345::',
  ];
  const PIECES = [...'0123456789abcdefABCDEFg:.%-', '::', '1.2.3.4', '255', '256', '%eth0', ' ', '\n', '1:', ':f'];

  const edit = fc.tuple(fc.nat(40), fc.nat(3), fc.constantFrom(...PIECES, ''));
  const mutated = fc.tuple(fc.constantFrom(...WHOLE, ...SHORT, ...BAD), fc.array(edit, { maxLength: 4 })).map(([seed, edits]) =>
    edits.reduce((text, [at, removed, piece]) => {
      const from = at % (text.length + 1);
      return text.slice(0, from) + piece + text.slice(from + removed);
    }, seed),
  );
  const assembled = fc.array(fc.constantFrom(...PIECES), { maxLength: 16 }).map(pieces => pieces.join(''));

  test('takes what node:net takes', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: mutated }, assembled, fc.ipV6(), fc.string()), text => {
        // node:net also takes a colon in the name after '%'; no interface is called so, and a port follows a colon.
        fc.pre(!/%.*[:_]/.test(text));
        expect(isIpv6(text)).toBe(isIPv6(text));
      }),
      { numRuns: 5000 },
    );
  });

  test('examples', () => {
    expect([...WHOLE, ...SHORT].filter(text => !isIpv6(text))).toStrictEqual([]);
    expect(BAD.filter(isIpv6)).toStrictEqual([]);
  });

  test.each([
    ['fe80::1%eth0', true],
    ['fe80::1%veth_1-a.b', true],
    ['fe80::1%', false],
    ['fe80::1%a:b', false],
    ['fe80::1%a%b', false],
    ['%eth0', false],
  ])('the name of a network interface may follow: %s is %s', (text, expected) => {
    expect(isIpv6(text)).toBe(expected);
  });
});

describe('HOST:PORT', () => {
  const good: [string, HostAddress][] = [
    ['10.0.0.1:1', { ip: 167772161, port: 1, addr: '' }],
    ['192.168.1.177:65535', { ip: -1062731343, port: 65_535, addr: '' }],
    ['[::1]:80', { ip: 0, port: 80, addr: '::1' }],
    ['[::ffff:1.2.3.4]:80', { ip: 0, port: 80, addr: '::ffff:1.2.3.4' }],
    ['[fe80::1%eth0]:80', { ip: 0, port: 80, addr: 'fe80::1%eth0' }],
    ['localhost:80', { ip: 0, port: 80, addr: 'localhost' }],
    ['db-1.example.:80', { ip: 0, port: 80, addr: 'db-1.example.' }],
    ['_service.a_b:80', { ip: 0, port: 80, addr: '_service.a_b' }],
    ['1a:80', { ip: 0, port: 80, addr: '1a' }],
    [`${'a'.repeat(63)}:80`, { ip: 0, port: 80, addr: 'a'.repeat(63) }],
  ];

  test.each(good)('%s', (text, host) => {
    expect(parseHost(text)).toStrictEqual(host);
    expect(formatHost(host)).toBe(text);
  });

  test('names and IPv6 addresses are the same in capitals, names of network interfaces are not', () => {
    expect(parseHost('DB.Example:80').addr).toBe('db.example');
    expect(parseHost('[FE80::A%Eth0]:80').addr).toBe('fe80::a%Eth0');
  });

  const NO_HOST = 'expected HOST:PORT';
  const bad: [string, string][] = [
    ['', NO_HOST],
    [':', NO_HOST],
    ['h', NO_HOST],
    ['h:', NO_HOST],
    ['h:80x', NO_HOST],
    ['h:-80', NO_HOST],
    ['h: 80', NO_HOST],
    ['h:80 ', NO_HOST],
    ['h:80\n', NO_HOST],
    ['h:8.0', NO_HOST],
    ['::1:80', NO_HOST],
    ['[::1]', NO_HOST],
    ['[::1]80', NO_HOST],
    ['[[::1]]:80', NO_HOST],
    ['a:b:80', NO_HOST],
    ['10.0.0.1:0', 'port 0 '],
    ['10.0.0.1:65536', 'port 65536 '],
    ['h:99999999999999999999', 'port 99999999999999999999 '],
    ['1.2.3:80', "address '1.2.3' "],
    ['1.2.3.4.5:80', "address '1.2.3.4.5' "],
    ['01.2.3.4:80', "address '01.2.3.4' "],
    ['1.2.3.256:80', "address '1.2.3.256' "],
    ['1.2.3.4.:80', "address '1.2.3.4.' "],
    ['0.0.0.0:80', "address '0.0.0.0' "],
    ['80:80', "address '80' "],
    [':80', "address '' "],
    ['.:80', "address '.' "],
    ['a b:80', "address 'a b' "],
    ['-a:80', "address '-a' "],
    ['a-:80', "address 'a-' "],
    ['a.-b:80', "address 'a.-b' "],
    ['a..b:80', "address 'a..b' "],
    ['ä:80', "address 'ä' "],
    [`${'a'.repeat(64)}:80`, `address '${'a'.repeat(64)}' `],
    [`${'a.'.repeat(127)}:80`, 'is no DNS name'],
    ['[]:80', "address '' "],
    ['[1.2.3.4]:80', "address '1.2.3.4' "],
    ['[h]:80', "address 'h' "],
    ['[::1%]:80', "address '::1%' "],
  ];

  test.each(bad)('%j is BAD_ADDRESS', (text, named) => {
    const error = expect.objectContaining({ code: 'BAD_ADDRESS', message: expect.stringContaining(named) });
    expect(() => parseHost(text)).toThrow(error);
  });

  test('what is formatted can be parsed again', () => {
    const ipv4 = fc.record({ ip: arbitraryIp.filter(ip => ip !== 0), port: arbitraryPort, addr: fc.constant('') });
    const named = fc.record({ ip: fc.constant(0), port: arbitraryPort, addr: fc.oneof(fc.ipV6(), fc.domain()) });
    fc.assert(
      fc.property(fc.oneof(ipv4, named), ({ ip, port, addr }) => {
        const host = { ip, port, addr: addr.toLowerCase() };
        expect(parseHost(formatHost(host))).toStrictEqual(host);
      }),
    );
  });

  test('formatHostName leaves the port away', () => {
    expect(formatHostName({ ip: 167772165, addr: '' })).toBe('10.0.0.5');
    expect(formatHostName({ ip: 0, addr: '2001:db8::1' })).toBe('2001:db8::1');
  });

  test.each([
    [1, true],
    [65_535, true],
    [0, false],
    [65_536, false],
    [-1, false],
    [80.5, false],
    [Number.NaN, false],
  ])('isPort(%d) is %s', (port, expected) => {
    expect(isPort(port)).toBe(expected);
  });
});

describe('hostKey', () => {
  const wirePort = fc.oneof(arbitraryPort, fc.constantFrom(-1, 0, 65_536, 65_536 + 80, INT32_MIN, INT32_MAX), fc.integer());
  const wireAddr = fc.oneof(fc.constantFrom('', '1', '|1', '1|80', '-1/80', 'a'), fc.domain());
  const arbitraryHost = fc.oneof(
    fc.record({
      ip: fc.oneof(fc.integer({ min: -2, max: 2 }), arbitraryIp),
      port: fc.oneof(fc.constant(80), wirePort),
      addr: fc.constant(''),
    }),
    fc.record({ ip: fc.constant(0), port: fc.oneof(fc.constant(80), wirePort), addr: wireAddr }),
  );

  test('two hosts have the same key only if they are the same host, whatever the wire says', () => {
    fc.assert(
      fc.property(arbitraryHost, arbitraryHost, (a, b) => {
        expect(hostKey(a) === hostKey(b)).toBe(a.ip === b.ip && a.port === b.port && a.addr === b.addr);
      }),
      { numRuns: 3000 },
    );
  });

  test('a port beyond 16 bits does not count for the next address', () => {
    expect(hostKey({ ip: 1, port: 65_536 + 80, addr: '' })).not.toBe(hostKey({ ip: 2, port: 80, addr: '' }));
  });

  test('is an exact number for every IPv4 host', () => {
    expect([0, 1, INT32_MAX, INT32_MIN, -1].map(ip => hostKey({ ip, port: 65_535, addr: '' }))).toStrictEqual(
      [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1].map(ip => ip * 65_536 + 65_535),
    );
  });
});
