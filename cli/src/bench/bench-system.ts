import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Algorithm, agentConf, databaseServiceConf, type ServerEngine, type ServerTransport } from './bench-conf.ts';
import { ChildServer } from './child-server.ts';
import { type ModuleLayout, routesOf } from './module-layout.ts';

export interface BenchAgent {
  readonly server: ChildServer;
  readonly ip: string;
  readonly udpPorts: readonly number[];
  readonly httpPort: number;
  /** What it takes its datagrams by. */
  readonly transport: string;
}

export interface BenchDatabaseService {
  readonly server: ChildServer;
  readonly ip: string;
  readonly tcpPort: number;
  readonly httpPort: number;
}

/** A system to be measured: every service a process of its own, in a temporary folder that goes when it is stopped. */
export class BenchSystem {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'lars-bench-'));
  readonly #database = path.join(this.folder, 'lars.db');
  readonly #running: ChildServer[] = [];
  readonly #engine: ServerEngine;
  #dnsserver: BenchDatabaseService | undefined;
  #reporter: BenchDatabaseService | undefined;

  /** @param engine that dnsserver and reporter serve their connections with */
  constructor(engine: ServerEngine = 'auto') {
    this.#engine = engine;
  }

  /** All in one transaction, whether dnsserver runs or not. */
  async addModules(layout: ModuleLayout): Promise<void> {
    const { openRouteEditor } = await import('@lars/dnsserver');
    const editor = await openRouteEditor({ file: this.#database });
    try {
      await editor.import([...routesOf(layout)], 'add');
    } finally {
      await editor.close();
    }
  }

  async dnsserver(): Promise<BenchDatabaseService> {
    this.#dnsserver ??= await this.#startDatabaseService('dnsserver');
    return this.#dnsserver;
  }

  async reporter(): Promise<BenchDatabaseService> {
    this.#reporter ??= await this.#startDatabaseService('reporter');
    return this.#reporter;
  }

  /** One more agent of this system; dnsserver and reporter are started for the first one. */
  async startAgent(algorithm: Algorithm, transport: ServerTransport): Promise<BenchAgent> {
    const { tcpPort: dnsserverPort } = await this.dnsserver();
    const { tcpPort: reporterPort } = await this.reporter();
    const conf = this.#writeConf(
      `agent-${this.#running.length}`,
      agentConf({ algorithm, transport, dnsserverPort, reporterPort }),
    );
    const server = await this.#start('agent', conf);
    return { server, ...(server.ready['agent'] as Omit<BenchAgent, 'server'>) };
  }

  /** Any other program that is to end with the system. */
  async startProgram(program: string, args: readonly string[]): Promise<ChildServer> {
    const server = await ChildServer.start(program, args, this.folder);
    this.#running.push(server);
    return server;
  }

  /** One service before its time. */
  async stopServer(server: ChildServer): Promise<void> {
    this.#running.splice(this.#running.indexOf(server), 1);
    await server.stop();
  }

  /** In the reverse order of their starts. */
  async stop(): Promise<void> {
    for (const server of this.#running.toReversed()) await server.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startDatabaseService(name: 'dnsserver' | 'reporter'): Promise<BenchDatabaseService> {
    const server = await this.#start(name, this.#writeConf(name, databaseServiceConf(this.#database, this.#engine)));
    return { server, ...(server.ready[name] as Omit<BenchDatabaseService, 'server'>) };
  }

  async #start(name: string, conf: string): Promise<ChildServer> {
    const server = await ChildServer.startLars([name, '--conf', conf], this.folder);
    this.#running.push(server);
    return server;
  }

  #writeConf(name: string, text: string): string {
    const file = path.join(this.folder, `${name}.ini`);
    writeFileSync(file, text);
    return file;
  }
}
