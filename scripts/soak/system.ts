import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freeTcpPort, freeUdpPorts } from '../../test/support/free-ports.ts';
import { Service, type ServiceKind } from './service.ts';

const LARS = path.join(import.meta.dirname, '../../cli/bin/lars.js');

/** Seconds; the loss of an agent that is killed follows from it. */
export const REPORT_TIMEOUT_SEC = 1;
/** What is thrown at the system names this module, whose calls are not compared. */
export const NOISE = { modid: 7_777, cmdid: 999_983 } as const;

interface Ports {
  readonly tcp: number;
  readonly http: number;
}

/** Two dnsservers over one database, two reporters with a database each, and an agent that knows all four. */
export class SoakSystem {
  readonly folder: string;
  readonly agent: Service;
  readonly dnsservers: readonly Service[];
  readonly reporters: readonly Service[];
  /** The first of the agent's three UDP ports. */
  readonly udpPort: number;
  readonly tcpPorts: Readonly<Record<'dnsserver' | 'reporter', readonly number[]>>;
  readonly httpPorts: readonly number[];

  static async create(folder: string): Promise<SoakSystem> {
    mkdirSync(folder, { recursive: true });
    const taken = new Set<number>();
    const next = async (): Promise<number> => {
      const port = await freeTcpPort();
      if (taken.has(port)) return next();
      taken.add(port);
      return port;
    };
    const ports = async (): Promise<Ports> => ({ tcp: await next(), http: await next() });
    return new SoakSystem(
      folder,
      await freeUdpPorts(),
      await ports(),
      [await ports(), await ports()],
      [await ports(), await ports()],
    );
  }

  private constructor(folder: string, udpPort: number, agent: Ports, dnsservers: readonly Ports[], reporters: readonly Ports[]) {
    this.folder = folder;
    this.udpPort = udpPort;
    this.tcpPorts = { dnsserver: dnsservers.map(({ tcp }) => tcp), reporter: reporters.map(({ tcp }) => tcp) };
    this.httpPorts = [agent, ...dnsservers, ...reporters].map(({ http }) => http);
    const service = (name: string, kind: ServiceKind, { http }: Ports) => new Service({ name, kind, folder, httpPort: http });
    this.agent = service('agent', 'agent', agent);
    this.dnsservers = dnsservers.map((ports, at) => service(`dnsserver-${at + 1}`, 'dnsserver', ports));
    this.reporters = reporters.map((ports, at) => service(`reporter-${at + 1}`, 'reporter', ports));
    for (const [at, ports] of dnsservers.entries()) this.#writeConf(`dnsserver-${at + 1}`, serverConf(ports, this.routesFile));
    for (const [at, ports] of reporters.entries())
      this.#writeConf(`reporter-${at + 1}`, serverConf(ports, this.callsFiles[at] ?? ''));
    const list = (servers: readonly Ports[]) => servers.map(({ tcp }) => `127.0.0.1:${tcp}`).join(', ');
    this.#writeConf(
      'agent',
      [
        `[udp]\nport = ${udpPort}\n[http]\nport = ${agent.http}`,
        `[dnsserver]\nservers = ${list(dnsservers)}\n[reporter]\nservers = ${list(reporters)}`,
        `[loadbalance]\nreport_timeout = ${REPORT_TIMEOUT_SEC}`,
        `[agent]\nroutes_file = ${path.join(folder, 'agent-routes')}\nunsent_file = ${path.join(folder, 'agent-unsent')}\n`,
      ].join('\n'),
    );
  }

  get services(): readonly Service[] {
    return [...this.dnsservers, ...this.reporters, this.agent];
  }

  get routesFile(): string {
    return path.join(this.folder, 'routes.db');
  }

  /** The database of each reporter. */
  get callsFiles(): readonly string[] {
    return [1, 2].map(number => path.join(this.folder, `calls-${number}.db`));
  }

  async start(): Promise<void> {
    for (const service of this.services) await service.start();
  }

  /** `lars route …` on the database of the routes. @throws {Error} with what it said when it failed */
  async route(args: readonly string[], input = ''): Promise<void> {
    const child = spawn(process.execPath, [LARS, 'route', '--db', this.routesFile, ...args], { stdio: 'pipe' });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (said += text));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`lars route ${args.join(' ')} ended with ${code}: ${said.trim()}`);
  }

  #writeConf(name: string, text: string): void {
    writeFileSync(path.join(this.folder, `${name}.ini`), text);
  }
}

function serverConf({ tcp, http }: Ports, file: string): string {
  return `[tcp]\nport = ${tcp}\n[http]\nport = ${http}\n[database]\nfile = ${file}\n`;
}
