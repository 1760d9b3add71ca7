/** dnsserver with real worker threads: everything that agents rely on holds whichever thread serves them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  type DnsserverConfig,
  dnsserverConfigTable,
  openRouteEditor,
  type RouteEditor,
  type RunningDnsserver,
  startDnsserver,
} from '@lars/dnsserver';
import { decodeBody, encodeFrame, formatHost, MessageId } from '@lars/proto';
import { loadConfig } from '@lars/runtime/config/config';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { type RecordingLog, recordingLog } from '../support/recording-log.ts';
import { TcpPeer } from '../support/tcp-peer.ts';
import { CleanUps } from './agent-world.ts';

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

interface World {
  readonly dnsserver: RunningDnsserver;
  readonly editor: RouteEditor;
  readonly recording: RecordingLog;
  agent(): Promise<TcpPeer>;
  /** The only module is this one, with these hosts; waits until dnsserver has seen it. */
  set(modid: number, ...hosts: readonly string[]): Promise<void>;
  metric(name: string): Promise<number>;
}

async function startWorld(tcp: Partial<DnsserverConfig['tcp']> = {}): Promise<World> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-workers-'));
  cleanUps.add(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'lars.db');
  const editor = await openRouteEditor({ file });
  cleanUps.add(() => editor.close());
  const defaults = loadConfig(dnsserverConfigTable, { path: 'dnsserver.ini', text: '' });
  const recording = recordingLog();
  const config: DnsserverConfig = {
    ...defaults,
    tcp: { ...defaults.tcp, port: 0, workers: 2, ...tcp },
    security: defaults.security,
    http: { ...defaults.http, port: 0 },
    database: { file },
    routes: { ...defaults.routes, poll_interval: 60_000 },
  };
  const dnsserver = await startDnsserver(config, { log: recording.log });
  cleanUps.add(() => dnsserver.stop());
  return {
    dnsserver,
    editor,
    recording,
    agent: async () => {
      const peer = await TcpPeer.connect(dnsserver.tcpPort);
      cleanUps.add(() => peer.destroy());
      return peer;
    },
    set: async (modid, ...hosts) => {
      await editor.import(
        hosts.map(host => ({ modid, cmdid: 1, host })),
        'replace',
      );
      await dnsserver.poll();
    },
    metric: async name => {
      const page = await (await fetch(`http://127.0.0.1:${dnsserver.httpPort}/metrics`)).text();
      return Number(
        page
          .split('\n')
          .find(line => line.startsWith(`${name} `))
          ?.split(' ')[1],
      );
    },
  };
}

function request(modid: number, version = 0): Uint8Array {
  return encodeFrame(MessageId.GetRouteRequest, { modid, cmdid: 1, version, features: 0 });
}

/** What a connection was told, as '1: 10.0.0.1:80'. */
function shown(peer: TcpPeer): string[] {
  return peer.frames.map(({ body }) => {
    const { modid, host } = decodeBody(MessageId.GetRouteResponse, body);
    return `${modid}: ${host.map(formatHost).join(' ')}`;
  });
}

async function toldOf(peer: TcpPeer, count: number): Promise<string[]> {
  await eventually(`${count} answers and pushes`, () => peer.frames.length >= count);
  return shown(peer);
}

/** A worker is handed sockets by node:net, descriptors by what auto takes where it can. */
const ENGINES = ['auto', 'node'] as const;

describe('dnsserver with worker threads', () => {
  test.each(ENGINES)('spreads connections by fewest, answers and pushes on all of them: %s', async engine => {
    const w = await startWorld({ engine });
    await w.set(1, '10.0.0.1:80');
    const agents = [];
    for (let n = 0; n < 6; n++) agents.push(await w.agent());
    await eventually('all are handed over', () => w.dnsserver.stats().connections === 6);
    expect(w.dnsserver.stats().workerConnections).toEqual([3, 3]);
    for (const agent of agents) agent.write(request(1));
    for (const agent of agents) expect(await toldOf(agent, 1)).toEqual(['1: 10.0.0.1:80']);
    expect(w.dnsserver.stats().subscriptions).toBe(6);
    await w.set(1, '10.0.0.2:80');
    for (const agent of agents) expect(await toldOf(agent, 2)).toEqual(['1: 10.0.0.1:80', '1: 10.0.0.2:80']);
    await w.editor.clear();
    await w.dnsserver.poll();
    for (const agent of agents) expect((await toldOf(agent, 3))[2]).toBe('1: ');

    // The worker whose connections have ended gets the next ones.
    for (const agent of [agents[0], agents[2]]) agent?.destroy();
    await eventually('two have ended', () => w.dnsserver.stats().connections === 4);
    expect(w.dnsserver.stats().workerConnections).toEqual([1, 3]);
    await Promise.all([w.agent(), w.agent()]);
    await eventually('two more', () => w.dnsserver.stats().connections === 6);
    expect(w.dnsserver.stats().workerConnections).toEqual([3, 3]);
    expect(await w.metric('lars_dnsserver_tcp_accepted_total')).toBe(8);
    expect(await w.metric('lars_dnsserver_answers_total')).toBe(6);
    expect(await w.metric('lars_dnsserver_pushes_total')).toBe(12);
  });

  test('answers thousands of pipelined requests in one write in their order, known modules and others', async () => {
    const w = await startWorld();
    const modules = Array.from({ length: 50 }, (_, modid) => ({ modid, cmdid: 1, host: `10.0.0.${modid}:80` }));
    await w.editor.import(modules, 'add');
    await w.dnsserver.poll();
    const agent = await w.agent();
    const asked = Array.from({ length: 5_000 }, (_, n) => (n * 7) % 60);
    agent.write(...asked.map(modid => request(modid)));
    const expected = asked.map(modid => (modid < 50 ? `${modid}: 10.0.0.${modid}:80` : `${modid}: `));
    expect(await toldOf(agent, asked.length)).toEqual(expected);
    // Now that the worker knows them all: the same again.
    agent.write(...asked.map(modid => request(modid)));
    expect((await toldOf(agent, 2 * asked.length)).slice(asked.length)).toEqual(expected);
  });

  test('says that a version is current, and refuses more connections than allowed', async () => {
    const w = await startWorld({ max_connections: 1 });
    await w.set(1, '10.0.0.1:80');
    const agent = await w.agent();
    agent.write(request(1));
    await toldOf(agent, 1);
    const { version } = decodeBody(MessageId.GetRouteResponse, (await agent.frame(0)).body);
    agent.write(request(1, version));
    expect(decodeBody(MessageId.GetRouteResponse, (await agent.frame(1)).body).notModified).toBe(true);
    await (await w.agent()).whenClosed();
    expect(await w.metric('lars_dnsserver_tcp_refused_total')).toBe(1);
    expect(await w.metric('lars_dnsserver_not_modified_total')).toBe(1);
  });

  test('closes who does not read or speaks nonsense, and nobody else notices', async () => {
    const w = await startWorld({ workers: 1, max_write_buffer: 65_536 });
    await w.set(1, ...Array.from({ length: 4_000 }, (_, n) => `10.0.0.1:${n + 1}`));
    const [good, slow, bad] = [await w.agent(), await w.agent(), await w.agent()];
    slow.socket.pause();
    slow.write(...Array.from({ length: 2_000 }, () => request(1)));
    await eventually('the slow reader is closed', () => w.dnsserver.stats().connections === 2);
    bad.write(encodeFrame(MessageId.ReportStatusAck, { agent: 'a', seq: 1 }));
    await bad.whenClosed();
    good.write(request(1));
    await good.frame(0);
    expect(w.dnsserver.stats()).toMatchObject({ connections: 1, subscriptions: 1 });
    expect(await w.metric('lars_dnsserver_tcp_closed_write_buffer_full_total')).toBe(1);
    expect(await w.metric('lars_dnsserver_tcp_closed_bad_message_id_total')).toBe(1);
  });

  test('stops in order: what is on its way leaves, connections end', async () => {
    const w = await startWorld();
    await w.set(1, '10.0.0.1:80');
    const agents = [await w.agent(), await w.agent()];
    for (const agent of agents) agent.write(request(1));
    for (const agent of agents) await agent.frame(0);
    await w.dnsserver.stop();
    for (const agent of agents) await agent.whenClosed();
    await expect(TcpPeer.connect(w.dnsserver.tcpPort)).rejects.toThrow();
    expect(w.recording.records.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('when a worker thread dies', () => {
  test.each(ENGINES)('its connections close, the others do not notice, and it is started again: %s', async engine => {
    const w = await startWorld({ engine });
    await w.set(1, '10.0.0.1:80');
    const [first, second] = [await w.agent(), await w.agent()];
    for (const agent of [first, second]) {
      agent.write(request(1));
      await agent.frame(0);
    }
    first.write(request(2));
    await first.frame(1);
    await w.dnsserver.killWorker(0);
    await first.whenClosed();
    expect(w.dnsserver.stats()).toMatchObject({ connections: 1, workerConnections: [0, 1], subscriptions: 1 });
    // What it alone followed concerns nobody any more.
    await w.editor.add(2, 1, [{ host: '10.0.0.2:80' }]);
    await w.dnsserver.poll();
    expect(await w.metric('lars_dnsserver_pushed_modules_total')).toBe(0);
    await w.set(1, '10.0.0.2:80');
    expect(await toldOf(second, 2)).toEqual(['1: 10.0.0.1:80', '1: 10.0.0.2:80']);
    await eventually('it is started again', () => w.recording.events().includes('a worker thread is started again'));

    const again = await w.agent();
    await eventually('it has the connection', () => w.dnsserver.stats().workerConnections[0] === 1);
    again.write(request(1));
    await again.frame(0);
    await w.set(1, '10.0.0.3:80');
    expect(await toldOf(again, 2)).toEqual(['1: 10.0.0.2:80', '1: 10.0.0.3:80']);
    expect(await toldOf(second, 3)).toContain('1: 10.0.0.3:80');
    expect(second.closed).toBe(false);
    expect(await w.metric('lars_dnsserver_worker_deaths_total')).toBe(1);
  });

  test('and it was the only one, connections are closed until it is back; agents that come again are served', async () => {
    const w = await startWorld({ workers: 1 });
    await w.set(1, '10.0.0.1:80');
    await w.dnsserver.killWorker(0);
    await (await w.agent()).whenClosed();
    expect(await w.metric('lars_dnsserver_connections_not_handed_over_total')).toBe(1);
    const served = await eventually('an agent is served', async () => {
      const agent = await w.agent();
      agent.write(request(1));
      await eventually('an answer or the end', () => agent.closed || agent.frames.length > 0);
      return agent.closed ? undefined : agent;
    });
    expect(shown(served)).toEqual(['1: 10.0.0.1:80']);
    expect(w.dnsserver.stats().connections).toBe(1);
  });
});
