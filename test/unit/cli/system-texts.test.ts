import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agentConfigTable } from '@lars/agent';
import { dnsserverConfigTable } from '@lars/dnsserver';
import { reporterConfigTable } from '@lars/reporter';
import { loadConfig } from '@lars/runtime/config/config';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { confFolder } from '../../../cli/src/system/conf-folder.ts';
import { connectable } from '../../../cli/src/system/connectable.ts';
import { overruledServers } from '../../../cli/src/system/overruled-servers.ts';
import { readConfigs } from '../../../cli/src/system/read-configs.ts';
import { readyText } from '../../../cli/src/system/ready.ts';
import { reporterFacts } from '../../../cli/src/system/service-facts.ts';
import { tryNext } from '../../../cli/src/system/try-next.ts';

describe('what to try next', () => {
  const standard = { path: 'conf', isStandard: true };
  const other = { path: '/etc/my lars', isStandard: false };

  test('is short where everything stands where it always does', () => {
    expect(tryNext({ folder: standard, pickedAgent: undefined, pickedHealth: undefined })).toStrictEqual([
      'npx lars route add 1/1 127.0.0.1:9001',
      'npx lars gethost 1 1',
      'npx lars status',
    ]);
  });

  test('names another conf folder, so that a shell takes it for one word', () => {
    expect(tryNext({ folder: other, pickedAgent: undefined, pickedHealth: undefined })).toStrictEqual([
      "npx lars route add 1/1 127.0.0.1:9001 --conf-dir '/etc/my lars'",
      "npx lars gethost 1 1 --conf-dir '/etc/my lars'",
      "npx lars status --conf-dir '/etc/my lars'",
    ]);
  });

  test('names ports that no conf file tells', () => {
    const facts = { folder: standard, pickedAgent: '127.0.0.1:5,6,7', pickedHealth: 'http://127.0.0.1:8/healthz' };
    expect(tryNext(facts).slice(1)).toStrictEqual([
      'npx lars gethost 1 1 --agent 127.0.0.1:5,6,7',
      'curl http://127.0.0.1:8/healthz',
    ]);
  });
});

describe('the peers that agent.ini names', () => {
  const load = (agent: string, dnsserver = '') => ({
    agent: loadConfig(agentConfigTable, { path: 'agent.ini', text: agent }),
    dnsserver: loadConfig(dnsserverConfigTable, { path: 'dnsserver.ini', text: dnsserver }),
    reporter: loadConfig(reporterConfigTable, { path: 'reporter.ini', text: '' }),
  });
  const defaults = load('').agent;

  test.each([
    ['nothing', '', ''],
    ['the standard port, while dnsserver has another one', '', '[tcp]\nport = 17778'],
    ['the very port of dnsserver', '[dnsserver]\nport = 17778', '[tcp]\nport = 17778'],
    [
      'the port of a dnsserver that listens everywhere',
      '[dnsserver]\nip = 10.0.0.1\nport = 17778',
      '[tcp]\nip = 0.0.0.0\nport = 17778',
    ],
    ['anything, while the ports are picked', '[dnsserver]\nport = 5', '[tcp]\nport = 0'],
  ])('may be %s', (_, agent, dnsserver) => {
    expect(overruledServers(load(agent, dnsserver), defaults)).toStrictEqual([]);
  });

  test('are told of when they are others', () => {
    expect(overruledServers(load('[dnsserver]\nip = 10.0.0.1\n[reporter]\nport = 5'), defaults)).toStrictEqual([
      'agent.ini: [dnsserver] names 10.0.0.1:7778; here the agent uses the dnsserver of this process',
      'agent.ini: [reporter] names 127.0.0.1:5; here the agent uses the reporter of this process',
    ]);
  });
});

test('what listens everywhere is reached at the loopback address', () => {
  expect(connectable('0.0.0.0')).toBe('127.0.0.1');
  expect(connectable('10.0.0.1')).toBe('10.0.0.1');
});

test('a single service is called by its name when it is ready', () => {
  const facts = { service: 'reporter', where: 'TCP 127.0.0.1:1', health: 'http://x', mode: 'SQLite y', conf: 'z', document: {} };
  expect(readyText([facts], [], (_, text) => text)).toMatch(/^LARS \S+: reporter is ready \(pid \d+\); Ctrl-C stops it\n/);
});

describe('conf files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'lars-conf-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('that are missing leave their services at built-in defaults, and that is said', () => {
    writeFileSync(path.join(folder, 'agent.ini'), '[udp]\nport = 18888\n');
    const { configs, sources } = readConfigs(confFolder(folder));
    expect(sources).toStrictEqual({ dnsserver: 'defaults', reporter: 'defaults', agent: path.join(folder, 'agent.ini') });
    expect(configs.agent.udp.port).toBe(18_888);
    expect(configs.reporter.tcp.port).toBe(7779);
    const facts = reporterFacts(configs.reporter, { tcpPort: 7779, httpPort: 7781 }, sources.reporter);
    expect(facts).toMatchObject({ where: 'TCP 127.0.0.1:7779', mode: 'SQLite data/lars.db', conf: 'built-in defaults' });
  });

  test('are below the current folder by default; a folder that was given must be there', () => {
    expect(confFolder(undefined)).toStrictEqual({ path: 'conf', isStandard: true });
    expect(confFolder(folder)).toStrictEqual({ path: folder, isStandard: false });
    expect(() => confFolder(path.join(folder, 'no'))).toThrow('there is no such folder');
  });
});
