/** The services that Prometheus watches in its test: one system that is well, and others to which all happens that there is an alert for. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { hostInfos } from '../support/agent-messages.ts';
import { ScriptedDnsserver } from '../support/scripted-dnsserver.ts';
import { TestCertificates } from '../support/test-certificates.ts';
import { UdpAsker } from '../support/udp-asker.ts';
import type { CleanUps } from './agent-world.ts';
import { LarsFolder, type LarsProcess, type Ready, type StartOptions } from './cli-process.ts';
import { freeTcpPort } from './prometheus-process.ts';

const FREE_PORTS = '[tcp]\nport = 0\n[http]\nport = 0\n';
const QUICK = '[loadbalance]\nreport_timeout = 0.2\n';
const PRELOAD = path.join(import.meta.dirname, '../support/thread-faults.mjs');

export interface Service {
  readonly folder: LarsFolder;
  readonly process: LarsProcess;
  readonly ready: Ready;
}

export interface AgentService extends Service {
  readonly asker: UdpAsker;
}

/** The modules of `startSystem`: 2/0 is classic, the others are adaptive. */
const ROUTES = [1, 2, 3, ...Array.from({ length: 12 }, (_, i) => 101 + i)].flatMap(modid =>
  [1, 2].map(port => `${modid},0,10.0.0.1:${port}`),
);

/** Of the large dnsserver: more hosts than an agent keeps results of. */
export const LARGE = { modids: Array.from({ length: 105 }, (_, i) => i), hosts: 2_000 } as const;

/** Whether this machine lets a test mount a file system of its own. */
export const CAN_MOUNT = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

export class MonitoredServices {
  readonly #cleanUps: CleanUps;
  #certificates: TestCertificates | undefined;

  constructor(cleanUps: CleanUps) {
    this.#cleanUps = cleanUps;
  }

  /** `lars up` with some modules. @param reporter more of reporter.ini */
  async startSystem(reporter = ''): Promise<AgentService> {
    const folder = this.newFolder();
    folder.writeStandardConf({ agent: `${QUICK}[module 2/0]\nalgorithm = classic\n` });
    folder.write('conf/reporter.ini', `${FREE_PORTS}${reporter}`);
    const process = folder.start(['up', '--json']);
    const ready = await process.ready;
    const { code, err } = await folder.run(['route', 'import', '-'], `${ROUTES.join('\n')}\n`);
    if (code !== 0) throw new Error(err);
    return { folder, process, ready, asker: await this.#callerOf(ready) };
  }

  /** An agent whose log goes to a full disk, whose threads do as the test says (thread-faults.mjs), and whose first reporter is down. */
  async startFaultyAgent({ dnsserver, reporter }: Ready): Promise<AgentService> {
    const reporters = `127.0.0.1:${await freeTcpPort()}, 127.0.0.1:${reporter.tcpPort}`;
    const links = `[dnsserver]\nport = ${dnsserver.tcpPort}\n[reporter]\nservers = ${reporters}\n`;
    const conf = `[udp]\nport = 0\nreceive_buffer = 4096\n[http]\nport = 0\n${links}`;
    const shell = ['sh', '-c', 'exec "$0" "$@" 2>/dev/full'];
    return this.startAgent(this.newFolder(), conf, { nodeArgs: ['--import', PRELOAD], shell });
  }

  async startAgent(folder: LarsFolder, conf: string, options: StartOptions = {}): Promise<AgentService> {
    const service = await this.#start('agent', folder, conf, options);
    return { ...service, asker: await this.#callerOf(service.ready) };
  }

  /** An agent without a reporter, which parks nothing. */
  async lonelyAgentConf(dnsPort: number, httpPort: number): Promise<string> {
    const links = `[dnsserver]\nport = ${dnsPort}\n[reporter]\nport = ${await freeTcpPort()}\n`;
    return `[udp]\nport = 0\n[http]\nport = ${httpPort}\n${links}${QUICK}[agent]\nmax_waiting = 0\nabsent_ttl = 0.001\n`;
  }

  /** A reporter that may open few files and takes few connections. */
  startSmallReporter(): Promise<Service> {
    const shell = ['sh', '-c', 'ulimit -n 160 && exec "$0" "$@"'];
    return this.#start('reporter', this.newFolder(), `[tcp]\nport = 0\nmax_connections = 110\n[http]\nport = 0\n`, { shell });
  }

  /** A reporter with a certificate that is good for five days, on a small disk with 4 % of room, where this machine allows to mount one. */
  startReporterOnFullDisk(folder: LarsFolder, httpPort: number): Promise<Service> {
    this.#certificates ??= this.#newCertificates();
    const security = `[security]\ntls_folder = ${this.#certificates.machine('reporter', { toDays: 5 })}\n`;
    const fill = 'mount -t tmpfs -o size=40m none data && head -c 39400k /dev/zero > data/filler';
    const shell = CAN_MOUNT ? { shell: ['unshare', '-rm', 'sh', '-c', `${fill} && exec "$0" "$@"`] } : {};
    folder.write('data/README', 'a folder to mount on');
    return this.#start('reporter', folder, `[tcp]\nport = 0\n[http]\nport = ${httpPort}\n${security}`, shell);
  }

  /** A dnsserver that knows many large modules: a real one would need too long to fill its table. */
  async startLargeDnsserver(): Promise<ScriptedDnsserver> {
    const dnsserver = new ScriptedDnsserver('ours');
    await dnsserver.start();
    this.#cleanUps.add(() => dnsserver.stop());
    for (const modid of LARGE.modids) dnsserver.setRoute(modid, 0, hostInfos(LARGE.hosts));
    return dnsserver;
  }

  newFolder(): LarsFolder {
    const folder = new LarsFolder();
    this.#cleanUps.add(() => folder.dispose());
    return folder;
  }

  #newCertificates(): TestCertificates {
    const certificates = new TestCertificates();
    this.#cleanUps.add(() => certificates.dispose());
    return certificates;
  }

  async #start(name: 'agent' | 'reporter', folder: LarsFolder, conf: string, options: StartOptions): Promise<Service> {
    folder.write(`conf/${name}.ini`, conf);
    const process = folder.start([name, '--json'], options);
    return { folder, process, ready: await process.ready };
  }

  async #callerOf({ agent }: Ready): Promise<UdpAsker> {
    const asker = await UdpAsker.open(agent.udpPorts);
    this.#cleanUps.add(() => asker.close());
    return asker;
  }
}
