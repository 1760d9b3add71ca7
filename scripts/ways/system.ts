import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type AgentConfig, agentConfigTable, type RunningAgent, startAgent } from '@lars/agent';
import {
  type DnsserverConfig,
  dnsserverConfigTable,
  openRouteEditor,
  type RouteEditor,
  type RunningDnsserver,
  startDnsserver,
} from '@lars/dnsserver';
import { decodeBody, decodeDatagram, encodeFrame, type HostInfo, MessageId, Purpose, shardOf } from '@lars/proto';
import { loadConfig } from '@lars/runtime/config/config';
import type { Logger } from '@lars/runtime/log';

const MODULE = { modid: 1, cmdid: 2 } as const;
const HOSTS = 8;
/** The agent's threads (three shards, dns, reporter) and the main thread, in which dnsserver serves. */
export const THREADS = 6;
const ANSWER_MS = 5_000;

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** A dnsserver without workers and an agent, in this process, and a caller of the agent. */
export class WaySystem {
  readonly #folder: string;
  readonly #editor: RouteEditor;
  readonly #dnsserver: RunningDnsserver;
  readonly #agent: RunningAgent;
  readonly #socket: Socket;
  #weight = 100;

  static async start(): Promise<WaySystem> {
    const folder = mkdtempSync(path.join(tmpdir(), 'lars-ways-'));
    const file = path.join(folder, 'routes.db');
    const editor = await openRouteEditor({ file });
    await editor.add(MODULE.modid, MODULE.cmdid, hosts(100));
    // The database is polled when the measurement says so.
    const dnsserver = await startDnsserver(
      dnsserverConfig(
        `[tcp]\nport = 0\nworkers = 0\n[http]\nport = 0\n[database]\nfile = ${file}\n[routes]\npoll_interval = 60000\n`,
      ),
      { log: silent },
    );
    const agent = await startAgent(
      agentConfig(
        `[udp]\nport = 0\n[http]\nport = 0\n[dnsserver]\nport = ${dnsserver.tcpPort}\n[reporter]\nport = 1\n[agent]\nroute_wait = 5000\nroutes_file =\nunsent_file =\n`,
      ),
      { log: silent },
    );
    const socket = createSocket('udp4');
    socket.connect(agent.udpPorts[shardOf(MODULE.modid, MODULE.cmdid)] as number, '127.0.0.1');
    await once(socket, 'connect');
    return new WaySystem(folder, editor, dnsserver, agent, socket);
  }

  private constructor(folder: string, editor: RouteEditor, dnsserver: RunningDnsserver, agent: RunningAgent, socket: Socket) {
    this.#folder = folder;
    this.#editor = editor;
    this.#dnsserver = dnsserver;
    this.#agent = agent;
    this.#socket = socket;
  }

  /** How datagrams come in: 'mmsg' or 'dgram'. */
  get transport(): string {
    return this.#agent.transport;
  }

  async getHost(): Promise<HostInfo> {
    const answered = once(this.#socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS) });
    this.#socket.send(encodeFrame(MessageId.GetHostRequest, { seq: 1, ...MODULE, features: 0, purpose: Purpose.Call }));
    const [datagram] = (await answered) as [Uint8Array];
    const { host } = decodeBody(MessageId.GetHostResponse, decodeDatagram(datagram).body);
    if (host === undefined) throw new Error('the agent has no host');
    return host;
  }

  /** Sends a report, which has no answer. */
  sendReport(host: HostInfo): void {
    this.#socket.send(encodeFrame(MessageId.ReportRequest, { ...MODULE, host, retcode: 0, tcost: 5 }));
  }

  /** Changes the route in the database, of which dnsserver does not know yet. */
  async editRoute(): Promise<void> {
    this.#weight += 1;
    await this.#editor.add(MODULE.modid, MODULE.cmdid, hosts(this.#weight).slice(0, 1));
  }

  /** Takes the change from the database to the agent's balancer. */
  pollRoutes(): Promise<void> {
    return this.#dnsserver.poll();
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await this.#agent.stop();
    await this.#dnsserver.stop();
    await this.#editor.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function hosts(weight: number) {
  return Array.from({ length: HOSTS }, (_, i) => ({ host: `10.0.0.${i + 1}:80`, weight }));
}

function agentConfig(text: string): AgentConfig {
  return loadConfig(agentConfigTable, { path: 'agent.ini', text });
}

function dnsserverConfig(text: string): DnsserverConfig {
  return loadConfig(dnsserverConfigTable, { path: 'dnsserver.ini', text });
}
