import { listenerWarnings, proxyConfigTable, readListeners } from '@lars/proxy';
import { loadConfig } from '@lars/runtime/config/config';
import { describe, expect, test } from 'vitest';
import { moduleOfServerName } from '../../../proxy/src/listen/server-names.ts';

const load = (text: string) => loadConfig(proxyConfigTable, { path: 'proxy.ini', text });

describe('listeners', () => {
  test('have what holds for all unless they say otherwise', () => {
    const config = load('[listeners]\ntries = 5\npolicy = hash\n[listen a]\naddress = [::1]:80\nmodule = 1/2\ntries = 2\n');
    const rules = readListeners(config, ['unix:/run/a=b.sock=-3/4']);
    expect(rules).toMatchObject([
      { name: 'a', place: { host: '::1', port: 80 }, module: { modid: 1, cmdid: 2 }, tries: 2, policy: 'hash' },
      { place: { path: '/run/a=b.sock' }, module: { modid: -3, cmdid: 4 }, tries: 5, policy: 'hash' },
    ]);
  });

  test.each([
    ['[listen a]\nmodule = 1/1', [], '[listen a] has no address'],
    ['[listen a]\naddress = 127.0.0.1:1', [], '[listen a] has neither module nor server_names'],
    [
      '[listen a]\naddress = 127.0.0.1:1\nmodule = 1/1\naccept_proxy = listed',
      [],
      '[listen a]: accept_proxy = listed, and proxy_sources lists nobody',
    ],
    ['', ['127.0.0.1:1'], '--listen 127.0.0.1:1: expected ADDRESS=MODID/CMDID'],
    ['', ['127.0.0.1:1=x'], "--listen 127.0.0.1:1=x: 'x' is no module: expected MODID/CMDID"],
    ['', ['nowhere:1=1/1'], "--listen nowhere:1=1/1: 'nowhere' in 'nowhere:1' is no IP address of this machine"],
    ['', ['127.0.0.1:1=1/1', '127.0.0.1:1=1/2'], 'two listeners have the address 127.0.0.1:1: 127.0.0.1:1 and 127.0.0.1:1'],
  ])('%j %j: %s', (text, listen, problem) => {
    expect(readListeners(load(text), listen)).toBe(problem);
  });

  test.each([
    ['3', ['[listen a] sniff_timeout = 3 is milliseconds: ']],
    ['3s', []],
    ['20', []],
  ])('sniff_timeout = %s: a few milliseconds may have been meant as seconds', (time, warnings) => {
    const rules = readListeners(
      load(`[listen a]\naddress = 127.0.0.1:1\nmodule = 1/1\nserver_names = a.example=1/2\nsniff_timeout = ${time}\n`),
    );
    if (typeof rules === 'string') throw new Error(rules);
    expect(listenerWarnings(rules)).toEqual(warnings.map(warning => expect.stringContaining(warning)));
  });

  test('port 0 may be wanted several times', () => {
    expect(readListeners(load(''), ['127.0.0.1:0=1/1', '127.0.0.1:0=1/2'])).toHaveLength(2);
  });
});

test.each([
  [
    '[listen a]\naddress = 127.0.0.1',
    "proxy.ini:2: [listen a] address = 127.0.0.1: '127.0.0.1' is no place to listen: expected IP:PORT, [IPV6]:PORT or unix:PATH",
  ],
  ['[listen a]\nmodule = 1', "proxy.ini:2: [listen a] module = 1: '1' is no module"],
  [
    '[listen a]\nserver_names = a.example',
    "proxy.ini:2: [listen a] server_names = a.example: 'a.example' is no NAME=MODID/CMDID",
  ],
  [
    '[listen a]\nunix_hosts = 127.0.0.1:1',
    "proxy.ini:2: [listen a] unix_hosts = 127.0.0.1:1: '127.0.0.1:1' is no HOST:PORT=PATH",
  ],
  ['[agent]\nports = 8888,8889', "proxy.ini:2: [agent] ports = 8888,8889: '8888,8889' is neither the first of 3 ports"],
  ['[listen a b]', 'proxy.ini:1: unknown section [listen a b]'],
])('the line of the conf is named: %j', (text, message) => {
  expect(() => load(text)).toThrow(message);
});

test('a server name goes by its own rule, else by the longest above it', () => {
  const rules = [
    { pattern: '*.example', module: { modid: 1, cmdid: 1 } },
    { pattern: '*.db.example', module: { modid: 1, cmdid: 2 } },
    { pattern: 'x.db.example', module: { modid: 1, cmdid: 3 } },
  ];
  const cmdidOf = (name: string) => moduleOfServerName(rules, name)?.cmdid;
  expect(['a.example', 'a.db.example', 'x.db.example', 'db.example', 'example', 'badexample'].map(cmdidOf)).toStrictEqual([
    1,
    2,
    3,
    1,
    undefined,
    undefined,
  ]);
});
