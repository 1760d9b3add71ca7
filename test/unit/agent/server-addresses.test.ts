import { agentConfigTable } from '@lars/agent';
import { loadConfig } from '@lars/runtime/config/config';
import { expect, test } from 'vitest';
import { serverAddresses } from '../../../agent/src/server-addresses.ts';

const addresses = (lines: string) =>
  serverAddresses(loadConfig(agentConfigTable, { path: 'agent.ini', text: `[dnsserver]\n${lines}` }), 'dnsserver');

test('without servers, ip and port of deployed files are the one server', () => {
  expect(addresses('')).toEqual([{ host: '127.0.0.1', port: 7778 }]);
  expect(addresses('ip = 10.0.0.1\nport = 99')).toEqual([{ host: '10.0.0.1', port: 99 }]);
});

test('servers replaces ip and port, which may name one of them for agents that know no list', () => {
  const list = [
    { host: '10.0.0.1', port: 7778 },
    { host: '10.0.0.2', port: 99 },
  ];
  expect(addresses('servers = 10.0.0.1, 10.0.0.2:99')).toEqual(list);
  expect(addresses('ip = 10.0.0.2\nport = 99\nservers = 10.0.0.1, 10.0.0.2:99')).toEqual(list);
});

test('ip and port that name another server are an error that says what to do', () => {
  expect(() => addresses('ip = 10.0.0.3\nservers = 10.0.0.1, 10.0.0.2:99')).toThrow(
    '[dnsserver] ip and port name 10.0.0.3:7778, which is not in servers = 10.0.0.1, 10.0.0.2:99: leave them out, or add it',
  );
});
