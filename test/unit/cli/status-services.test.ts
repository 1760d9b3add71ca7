/** Which services `lars status` asks, and what it shows of proxies and dispatchers. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { httpIn } from '../../../cli/src/system/dispatch-options.ts';
import { servicesOf } from '../../../cli/src/system/service-status.ts';
import { runMain } from '../../support/memory-terminal.ts';

let folder = '';
const servers: Server[] = [];

beforeEach(() => {
  folder = path.join(mkdtempSync(path.join(tmpdir(), 'lars-status-')), 'conf');
  mkdirSync(folder);
});

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise(resolve => server.close(resolve));
  rmSync(path.dirname(folder), { recursive: true });
});

async function serve(service: string, status: string, details: object): Promise<number> {
  const health = { service, status, pid: 7, uptimeSeconds: 62, version: '0.1.0', details };
  const server = createServer((_, response) => response.end(JSON.stringify(health)));
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const LISTENER = '[listen a]\naddress = 127.0.0.1:3306\nmodule = 1/1\n';
const write = (file: string, text: string) => writeFileSync(path.join(folder, file), text);
const status = (...args: readonly string[]) => runMain('status', ...args, '--conf-dir', folder);

test('a proxy is found by its conf file, dispatchers by their files of options', async () => {
  const proxy = await serve('proxy', 'ok', { listens: '127.0.0.1:3306', agent: 'answers', connections: 3 });
  const web = await serve('dispatcher', 'failing', { listen: '0.0.0.0:80', workers: 0, reason: 'no worker is there' });
  write('proxy.ini', `[http]\nport = ${proxy}\n${LISTENER}`);
  write('dispatch-web.env', `OPTIONS=--listen 0.0.0.0:80 --http 127.0.0.1:${web} --workers 2 -- node s.js --http 1\n`);
  write('dispatch-mute.env', 'OPTIONS=--listen 0.0.0.0:81\n');
  const { out, exitCode } = await status();
  const rows = out
    .trim()
    .split('\n')
    .map(line => line.split(/ {2,}/));
  expect(rows.slice(1)).toEqual([
    ['proxy', 'ok', '7', '1m 2s', '0.1.0', 'TCP 127.0.0.1:3306', 'connections=3 agent=answers'],
    [
      'dispatcher',
      'unknown',
      '-',
      '-',
      '-',
      'http://127.0.0.1:0/healthz',
      expect.stringMatching('dispatch-mute.env: OPTIONS does not tell'),
    ],
    ['dispatcher', 'failing', '7', '1m 2s', '0.1.0', 'TCP 0.0.0.0:80', 'workers=0 reason=no worker is there'],
  ]);
  expect(exitCode).toBe(1);
});

test('a proxy.ini without listeners does not mean that there is to be a proxy; one that runs is shown', async () => {
  const dnsserver = await serve('dnsserver', 'ok', { tcp: '127.0.0.1:7778' });
  write('dnsserver.ini', `[http]\nport = ${dnsserver}\n`);
  write('proxy.ini', '[http]\nport = 1\n');
  const names = async () => {
    const { out, exitCode } = await status('--json');
    const { services } = JSON.parse(out) as { services: readonly { service: string }[] };
    return [exitCode, services.map(({ service }) => service)];
  };
  expect(await names()).toEqual([0, ['dnsserver']]);
  write('proxy.ini', `[http]\nport = ${await serve('proxy', 'ok', {})}\n`);
  expect(await names()).toEqual([0, ['dnsserver', 'proxy']]);
  write('proxy.ini', `[http]\nport = 1\n${LISTENER}`);
  expect(await names()).toEqual([1, ['dnsserver', 'proxy']]);
});

test('of the sample conf files of the project, the three that `npm start` runs are asked', () => {
  const samples = path.join(import.meta.dirname, '../../../conf');
  expect(servicesOf({ path: samples, isStandard: true }, [])).toEqual(['dnsserver', 'reporter', 'agent']);
});

test('another service at the port of a conf file is not taken for its own', async () => {
  write('proxy.ini', `[http]\nport = ${await serve('dispatcher', 'ok', {})}\n${LISTENER}`);
  expect(await status()).toMatchObject({
    exitCode: 1,
    out: expect.stringMatching(/^proxy +down .* the dispatcher answers there$/m),
  });
});

test('--http asks whatever service is there', async () => {
  write('proxy.ini', `[http]\nport = ${await serve('proxy', 'ok', {})}\n${LISTENER}`);
  const second = await serve('dispatcher', 'ok', { listen: '127.0.0.1:80', workers: 2 });
  const { out, exitCode } = await status('--json', '--http', `127.0.0.1:${second}`, '--http', '127.0.0.1:1');
  expect(exitCode).toBe(1);
  expect(JSON.parse(out).services.map((one: { service: string; status: string }) => `${one.service} ${one.status}`)).toEqual([
    'proxy ok',
    'dispatcher ok',
    'service down',
  ]);
  expect(await status('--http', 'nowhere')).toMatchObject({
    exitCode: 2,
    err: expect.stringContaining('--http nowhere: expected'),
  });
});

test('a dispatcher that is named, and of which nothing is known, is an error that says what to do', async () => {
  expect(await status('dispatcher')).toMatchObject({ exitCode: 2, err: expect.stringContaining('--http HOST:PORT') });
});

test.each([
  ['OPTIONS=--http 127.0.0.1:7790', { ip: '127.0.0.1', port: 7790 }],
  ['# of the shop\nOPTIONS="--listen 0.0.0.0:80 --http=[::1]:1 -- node s.js"', { ip: '::1', port: 1 }],
  ['OPTIONS=--listen 0.0.0.0:80 -- node s.js --http 127.0.0.1:1', undefined],
  ['OPTIONS=--http nowhere', undefined],
  ['PORT=--http 127.0.0.1:1', undefined],
  ['', undefined],
])('%j has its health at %j', (text, http) => {
  expect(httpIn(text)).toEqual(http);
});
