/** A proxy's core in this process, on each engine that runs here, with an agent in memory and the remotes of the reactor's suites. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAgent, type TestAgent } from '@lars/client-sdk/testing';
import {
  ConnectionLimits,
  type CoreOptions,
  type ListenerRules,
  type ProxyConfig,
  type ProxyCore,
  proxyConfigTable,
  proxyCounters,
  proxyGauges,
  readListeners,
  startCore,
} from '@lars/proxy';
import type { EngineKind } from '@lars/reactor';
import { systemClock } from '@lars/runtime/clock';
import { loadConfig } from '@lars/runtime/config/config';
import { SharedCounters } from '@lars/runtime/counters';
import { recordLogger } from '@lars/runtime/log';
import { eventually } from '../support/eventually.ts';
import { afterTest, Remote } from './reactor-harness.ts';

export interface ProxyWorld {
  readonly core: ProxyCore;
  readonly agent: TestAgent;
  /** Of the listeners that listen on a port. */
  readonly ports: readonly number[];
  readonly port: number;
  readonly log: string[];
  count(name: (typeof proxyCounters.names)[number]): number;
  /** Waits until no connection and no place at a host is left, and checks that nothing was counted twice or lost. */
  settled(): Promise<void>;
}

export interface ProxyWorldOptions {
  /** Lines of the conf's [listeners]. */
  readonly listeners?: string;
  /** Lines of the conf's [listen a], whose module is 1/1 unless they say otherwise. */
  readonly listen?: string;
  /** Lines of the conf's [proxy]. */
  readonly proxy?: string;
  /** Of module 1/1. */
  readonly hosts?: readonly string[];
  readonly agent?: TestAgent;
}

export async function openProxy(kind: EngineKind, options: ProxyWorldOptions = {}): Promise<ProxyWorld> {
  const { listeners = '', listen = 'module = 1/1', proxy = '', hosts = [] } = options;
  const address = /^address/m.test(listen) ? '' : 'address = 127.0.0.1:0\n';
  const text = `[proxy]\n${proxy}\n[listeners]\n${listeners}\n[listen a]\n${address}${listen}\n`;
  const config = loadConfig(proxyConfigTable, { path: 'proxy.ini', text });
  const rules = readListeners(config);
  if (typeof rules === 'string') throw new Error(rules);
  const agent = options.agent ?? createTestAgent({ routes: { '1/1': hosts } });
  const counters = new SharedCounters(proxyCounters);
  const gauges = new SharedCounters(proxyGauges);
  const limits = new ConnectionLimits(rules.length);
  const log: string[] = [];
  const core = await startCore(coreOptions(kind, config, rules), {
    log: recordLogger(({ event, fields }) => log.push(`${event} ${JSON.stringify(fields)}`)),
    clock: systemClock,
    counters,
    gauges,
    limits,
    lars: agent,
    lookup: async name => (name === 'here.example' ? '127.0.0.1' : Promise.reject(new Error(`${name} is unknown`))),
  });
  afterTest(() => core.stop(0));
  const ports = core.places.map(place => Number(/:(\d+)$/.exec(place)?.[1]));
  const hostConnections = () => core.status().hosts.reduce((sum, host) => sum + host.connections, 0);
  return {
    core,
    agent,
    ports,
    port: ports[0] as number,
    log,
    count: name => counters.get(name),
    async settled() {
      await eventually('all connections are over', () => core.connections === 0 && limits.total === 0 && hostConnections() === 0);
      const ends = proxyCounters.names.filter(name => ENDS.has(name) || name.startsWith('refused'));
      const ended = ends.reduce((sum, name) => sum + counters.get(name), 0);
      if (ended !== counters.get('accepted')) throw new Error(`${counters.get('accepted')} accepted, ${ended} ended`);
    },
  };
}

/** Each accepted connection ends as exactly one of these, or is refused. */
const ENDS: ReadonlySet<string> = new Set([
  'clientsGone',
  'ended',
  'resetByClient',
  'resetByHost',
  'idleTimeouts',
  'lifetimeTimeouts',
  'networkErrors',
  'cut',
]);

function coreOptions(kind: EngineKind, { proxy }: ProxyConfig, rules: readonly ListenerRules[]): CoreOptions {
  return {
    rules,
    engine: kind,
    reusePort: false,
    opensListeners: true,
    isFirst: true,
    agent: { host: '127.0.0.1', ports: 1 },
    maxConnections: proxy.max_connections,
    maxHostConnections: proxy.max_host_connections,
    failCoolDownMs: proxy.fail_cool_down,
    logLinesPerSecond: proxy.log_lines,
  };
}

const SILENT = `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stdout.write(String(server.address().port));
});`;

/** A port whose process stands still and whose queue is full: whoever connects gets no answer. */
export async function listenSilently(): Promise<number> {
  const child = spawn(process.execPath, ['-e', SILENT], { stdio: ['ignore', 'pipe', 'inherit'] });
  afterTest(() => child.kill('SIGKILL'));
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  child.kill('SIGSTOP');
  const port = Number(text.toString());
  for (let each = 0; each < 4; each++) {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    afterTest(() => socket.destroy());
  }
  return port;
}

/** Listens outside, on a UNIX socket in a folder of its own. */
export async function listenAtPath(
  onSocket: (remote: Remote) => void,
): Promise<{ readonly path: string; readonly accepted: Remote[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'lars-proxy-'));
  afterTest(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'socket');
  const accepted: Remote[] = [];
  const server = createServer({ allowHalfOpen: true }, socket => {
    afterTest(() => socket.destroy());
    const remote = new Remote(socket);
    accepted.push(remote);
    onSocket(remote);
  });
  await new Promise<void>(resolve => server.listen(path, resolve));
  afterTest(() => server.close());
  return { path, accepted };
}
