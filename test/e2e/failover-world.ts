/** Two dnsservers and two reporters, each a process with a database of its own, and an agent that knows both in order. */
import path from 'node:path';
import Database from 'better-sqlite3';
import { expect, vi } from 'vitest';
import { freeTcpPort } from '../support/free-ports.ts';
import type { CleanUps } from './agent-world.ts';
import { LarsFolder, type LarsProcess, type Ready } from './cli-process.ts';

export type ServiceKind = 'dnsserver' | 'reporter';

const PATIENCE_MS = 60_000;

/** One service that can be killed and started again at the same port. */
export class Server {
  readonly folder = new LarsFolder();
  readonly kind: ServiceKind;
  readonly port: number;
  #process: LarsProcess | undefined;

  static async start(cleanUps: CleanUps, kind: ServiceKind): Promise<Server> {
    const server = new Server(kind, await freeTcpPort());
    cleanUps.add(() => server.folder.dispose());
    await server.start();
    return server;
  }

  private constructor(kind: ServiceKind, port: number) {
    this.kind = kind;
    this.port = port;
  }

  async start(): Promise<void> {
    this.folder.write(`conf/${this.kind}.ini`, `[tcp]\nport = ${this.port}\n[http]\nport = 0\n`);
    this.#process = this.folder.start([this.kind, '--json']);
    await this.#process.ready;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#process?.ended;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.#process?.signal(signal);
  }

  /** Changes the routes in this server's database. */
  async route(...args: readonly string[]): Promise<void> {
    const { code, err } = await this.folder.run(['route', ...args]);
    expect(code, err).toBe(0);
  }

  /** The calls that stand in this reporter's database. */
  calls(): { readonly succ: number; readonly err: number } {
    const sql = new Database(path.join(this.folder.path, 'data/lars.db'), { readonly: true });
    try {
      return sql
        .prepare('SELECT coalesce(sum(succ), 0) AS succ, coalesce(sum(err), 0) AS err FROM CallHistory')
        .get() as ReturnType<Server['calls']>;
    } finally {
      sql.close();
    }
  }
}

export class FailoverWorld {
  readonly dnsservers: readonly [Server, Server];
  readonly reporters: readonly [Server, Server];
  readonly folder: LarsFolder;
  #process: LarsProcess | undefined;
  #agent: Ready['agent'] | undefined;

  static async start(cleanUps: CleanUps): Promise<FailoverWorld> {
    const start = (kind: ServiceKind) => Server.start(cleanUps, kind);
    const pair = async (kind: ServiceKind) => Promise.all([start(kind), start(kind)]);
    const [dnsservers, reporters] = await Promise.all([pair('dnsserver'), pair('reporter')]);
    const folder = new LarsFolder();
    cleanUps.add(() => folder.dispose());
    const list = (servers: readonly Server[]) => servers.map(({ port }) => `127.0.0.1:${port}`).join(', ');
    folder.write(
      'conf/agent.ini',
      `[udp]\nport = 0\n[http]\nport = 0\n[dnsserver]\nservers = ${list(dnsservers)}\n[reporter]\nservers = ${list(reporters)}
[loadbalance]\nreport_timeout = 0.05\n[agent]\nroute_wait = 5000\n`,
    );
    const world = new FailoverWorld(dnsservers, reporters, folder);
    await world.startAgent();
    return world;
  }

  private constructor(dnsservers: readonly [Server, Server], reporters: readonly [Server, Server], folder: LarsFolder) {
    this.dnsservers = dnsservers;
    this.reporters = reporters;
    this.folder = folder;
  }

  get agent(): Ready['agent'] {
    return this.#agent as Ready['agent'];
  }

  async startAgent(): Promise<void> {
    this.#process = this.folder.start(['agent', '--json']);
    this.#agent = (await this.#process.ready).agent;
  }

  /** As an operator would. */
  async stopAgent(): Promise<void> {
    await this.#process?.interrupt();
  }

  /** What /healthz says of the servers of this kind. */
  async links(kind: ServiceKind): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.agent.httpPort}/healthz`);
    return ((await response.json()) as { details: Record<ServiceKind, string> }).details[kind];
  }

  /** Resolves when the agent uses this server. @returns how long that took, milliseconds */
  async uses({ kind, port }: Server): Promise<number> {
    const startMs = performance.now();
    await vi.waitUntil(async () => (await this.links(kind)).includes(`127.0.0.1:${port} connected`), {
      timeout: PATIENCE_MS,
      interval: 20,
    });
    return performance.now() - startMs;
  }
}
