import { describe, expect, test } from 'vitest';
import {
  addressList,
  defineConfig,
  formatAddress,
  loadConfig,
  parseAddressList,
  section,
} from '../../../../runtime/src/config/config.ts';

const table = defineConfig({
  file: 'agent.ini',
  title: 'A conf file.',
  sections: {
    dnsserver: section('Servers.', { servers: addressList({ default: '', defaultPort: 7778, meaning: 'In order.' }) }),
  },
});
const load = (servers: string) =>
  loadConfig(table, { path: 'agent.ini', text: `[dnsserver]\nservers = ${servers}` }).dnsserver.servers;

test('an address of each kind, with its port or without, in the order of the list', () => {
  const written = load('10.0.0.1:17778, dns.example,[2001:DB8::1]:99 , [::1], Dns2.Example:1');
  expect(parseAddressList(written, 7778)).toEqual([
    { host: '10.0.0.1', port: 17_778 },
    { host: 'dns.example', port: 7778 },
    { host: '2001:db8::1', port: 99 },
    { host: '::1', port: 7778 },
    { host: 'dns2.example', port: 1 },
  ]);
});

test('nothing is no server', () => {
  expect(parseAddressList(load(''), 7778)).toEqual([]);
});

test('an address is written as it is read', () => {
  const list = parseAddressList('10.0.0.1, [::1]:5, a.b:6', 7);
  expect(typeof list === 'string' ? list : list.map(formatAddress)).toEqual(['10.0.0.1:7', '[::1]:5', 'a.b:6']);
});

describe('an entry that is wrong is named, with section and key', () => {
  test.each([
    ['a:7778, b:x', `'b:x' is no host: expected HOST:PORT or [IPV6]:PORT`],
    ['a, b:70000', `port 70000 in 'b:70000' is not in 1..65535`],
    ['a, , b', 'entry 2 of the list is empty'],
    ['a,', 'entry 2 of the list is empty'],
    ['10.0.0.300', `address '10.0.0.300' in '10.0.0.300:7778' is no IPv4 address`],
    ['0.0.0.0', `address '0.0.0.0' in '0.0.0.0:7778' is not an address that can be called`],
    ['a, ::1', `'::1': an IPv6 address needs brackets, as in [::1]:7778`],
    ['[::g]:1', `address '::g' in '[::g]:1' is no IPv6 address`],
    ['a b', `address 'a b' in 'a b:7778' is no DNS name`],
    ['a, b, A:7778', `'A:7778' is in the list twice`],
    ['[::1], [0:0:0:0:0:0:0:1]:7778', `'[0:0:0:0:0:0:0:1]:7778' is in the list twice`],
    [Array.from({ length: 17 }, (_, n) => `h${n}`).join(), 'the list has 17 entries, allowed are 16'],
  ])('%s', (servers, problem) => {
    expect(() => load(servers)).toThrow(`agent.ini:2: [dnsserver] servers = `);
    expect(() => load(servers)).toThrow(`: ${problem}`);
  });
});
