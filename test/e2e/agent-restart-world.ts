/** An agent as a process of its own, in a folder of its own, that is ended and started again between servers of the test's process. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ScriptedDnsserver } from '../support/scripted-dnsserver.ts';
import { ScriptedReporter } from '../support/scripted-reporter.ts';
import { UdpAsker } from '../support/udp-asker.ts';
import type { CleanUps } from './agent-world.ts';
import { LarsFolder, type LarsProcess } from './cli-process.ts';

export interface AgentRun {
  readonly process: LarsProcess;
  readonly asker: UdpAsker;
  readonly httpPort: number;
}

export class RestartWorld {
  readonly folder = new LarsFolder();
  readonly dns = new ScriptedDnsserver('ours');
  readonly reporter = new ScriptedReporter('ours');
  readonly #cleanUps: CleanUps;
  /** For the agent's conf; the servers' own until they are replaced. */
  dnsPort = 0;
  reporterPort = 0;

  private constructor(cleanUps: CleanUps) {
    this.#cleanUps = cleanUps;
    cleanUps.add(() => this.folder.dispose());
  }

  static async open(cleanUps: CleanUps): Promise<RestartWorld> {
    const world = new RestartWorld(cleanUps);
    for (const server of [world.dns, world.reporter]) {
      await server.start();
      cleanUps.add(() => server.stop());
    }
    world.dnsPort = world.dns.port;
    world.reporterPort = world.reporter.port;
    return world;
  }

  /** @param more lines of the section [agent] */
  async start(more = '', reconnectMs = 50): Promise<AgentRun> {
    const links = `[dnsserver]\nport = ${this.dnsPort}\n[reporter]\nport = ${this.reporterPort}\n`;
    const agent = `[agent]\nroute_wait = 1000\nreconnect_min = ${Math.min(reconnectMs, 60_000)}\nreconnect_max = ${reconnectMs}\ncaller_ip = 10.9.8.7\n${more}`;
    this.folder.write(
      'conf/agent.ini',
      `[udp]\nport = 0\n[http]\nport = 0\n${links}[loadbalance]\nreport_timeout = 0.05\n${agent}`,
    );
    const process = this.folder.start(['agent', '--conf', 'conf/agent.ini', '--json']);
    const ready = await process.ready;
    const asker = await UdpAsker.open(ready.agent.udpPorts);
    this.#cleanUps.add(() => asker.close());
    return { process, asker, httpPort: ready.agent.httpPort };
  }

  file(name: string): string {
    return path.join(this.folder.path, 'data', name);
  }

  /** Whether the file has this text somewhere. */
  fileHas(name: string, bytes: Uint8Array): boolean {
    return existsSync(this.file(name)) && readFileSync(this.file(name)).includes(bytes);
  }
}

export async function page(run: AgentRun, name: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${run.httpPort}${name}`)).text();
}
