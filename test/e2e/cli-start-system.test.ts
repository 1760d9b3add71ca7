import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agentConfigTable } from '@lars/agent';
import { type RunningSystem, type StartSystemOptions, startSystem } from '@lars/cli';
import { LarsClient } from '@lars/client-sdk';
import { dnsserverConfigTable, openRouteEditor } from '@lars/dnsserver';
import { reporterConfigTable } from '@lars/reporter';
import { loadConfig } from '@lars/runtime/config/config';
import { type LogRecord, recordLogger } from '@lars/runtime/log';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

// Whole systems on a machine that may have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: string;
let systems: RunningSystem[];
const logged: LogRecord[] = [];
const log = recordLogger(record => logged.push(record));
const ready = () => logged.filter(({ event }) => event.endsWith(' ready'));

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-system-'));
  systems = [];
  logged.length = 0;
});
afterEach(async () => {
  for (const system of systems) await system.stop();
  rmSync(folder, { recursive: true, force: true });
});

const file = () => path.join(folder, 'data/lars.db');

/** All ports picked by the system; the agent's own peers are wrong on purpose. */
function options({ agentHttp = 0, dnsserverIp = '127.0.0.1' } = {}): StartSystemOptions {
  const server = `[tcp]\nport = 0\n[http]\nport = 0\n[database]\nfile = ${file()}\n`;
  const agent = `[udp]\nport = 0\n[http]\nport = ${agentHttp}\n[dnsserver]\nport = 1\n[reporter]\nport = 1\n`;
  return {
    dnsserver: loadConfig(dnsserverConfigTable, { path: 'dnsserver.ini', text: `${server}[tcp]\nip = ${dnsserverIp}\n` }),
    reporter: loadConfig(reporterConfigTable, { path: 'reporter.ini', text: server }),
    agent: loadConfig(agentConfigTable, { path: 'agent.ini', text: `${agent}\n[agent]\nroutes_file =\nunsent_file =\n` }),
    log,
  };
}

async function start(given: StartSystemOptions): Promise<RunningSystem> {
  const system = await startSystem(given);
  systems.push(system);
  return system;
}

/** A host of module 1/1, as soon as the agent has one. */
async function firstHost({ agent }: RunningSystem): Promise<string> {
  const client = new LarsClient({ host: agent.ip, ports: agent.udpPorts });
  try {
    await client.register(1, 1);
    return (await client.getHost(1, 1)).authority;
  } finally {
    await client.close();
  }
}

async function addRoute(host: string): Promise<void> {
  const editor = await openRouteEditor({ file: file() });
  await editor.add(1, 1, [{ host }]);
  await editor.close();
}

describe('startSystem', () => {
  test('connects the agent to the dnsserver beside it, whatever the configuration of the agent names', async () => {
    const system = await start(options());
    await addRoute('10.0.0.1:80');
    expect(await firstHost(system)).toBe('10.0.0.1:80');
  });

  test('reaches a dnsserver that listens on every address', async () => {
    const system = await start(options({ dnsserverIp: '0.0.0.0' }));
    await addRoute('10.0.0.1:80');
    expect(await firstHost(system)).toBe('10.0.0.1:80');
  });

  test('starts dnsserver, reporter, agent, and stops them the other way round', async () => {
    const system = await start(options());
    expect(ready().map(({ event }) => event)).toStrictEqual(['dnsserver ready', 'reporter ready', 'agent ready']);
    expect(system.services.map(({ name }) => name)).toStrictEqual(['agent', 'reporter', 'dnsserver']);
  });

  test('stops once, however often it is told', async () => {
    const system = await start(options());
    await Promise.all([system.stop(), system.stop()]);
    await system.stop();
    await addRoute('10.0.0.1:80');
    await expect(firstHostNow(system)).rejects.toMatchObject({ code: 'LARS_AGENT_UNREACHABLE' });
  });

  test('says when a service has failed', async () => {
    const system = await start(options());
    // A thread that dies more often than the agent bears.
    for (let death = 0; death <= 5; death++) {
      await expect.poll(() => system.agent.restarts('dns'), { timeout: 10_000 }).toBe(death);
      await system.agent.killThread('dns');
    }
    expect((await system.failed).message).toContain('thread dns died');
  });
});

describe('a system that does not start', () => {
  let taken: Server;
  beforeEach(async () => {
    taken = createServer();
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise(resolve => taken.close(resolve)));

  test('leaves nothing behind: the services that had started are stopped', async () => {
    const { port } = taken.address() as { port: number };
    await expect(start(options({ agentHttp: port }))).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: expect.stringMatching(/^agent: HTTP port /),
    });
    expect(ready().map(({ event }) => event)).toStrictEqual(['dnsserver ready', 'reporter ready']);
    for (const { fields } of ready())
      await expect(connected(String(fields['tcp']))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

/** Rejects where nobody listens. */
function connected(address: string): Promise<void> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}

async function firstHostNow({ agent }: RunningSystem): Promise<string> {
  const client = new LarsClient({ host: agent.ip, ports: agent.udpPorts });
  try {
    return (await client.getHost(1, 1)).authority;
  } finally {
    await client.close();
  }
}
