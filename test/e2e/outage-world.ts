/** An agent in a process of its own that can be killed, stopped and started again on the same ports, and callers that never pause. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LarsClient, type LarsClientOptions, type LarsHost } from '@lars/client-sdk';
import type { AgentChildReady } from '../support/agent-child.ts';
import { freeUdpPorts } from '../support/free-ports.ts';
import { ScriptedDnsserver } from '../support/scripted-dnsserver.ts';
import { ScriptedReporter } from '../support/scripted-reporter.ts';
import type { CleanUps } from './agent-world.ts';

const CHILD = fileURLToPath(new URL('../support/agent-child.ts', import.meta.url));

export class OutageWorld {
  readonly dns = new ScriptedDnsserver('ours');
  readonly reporter = new ScriptedReporter('ours');
  readonly port: number;
  readonly #cleanUps: CleanUps;
  #child: ChildProcess | undefined;

  static async start(cleanUps: CleanUps): Promise<OutageWorld> {
    const world = new OutageWorld(await freeUdpPorts(), cleanUps);
    for (const server of [world.dns, world.reporter]) {
      await server.start();
      cleanUps.add(() => server.stop());
    }
    return world;
  }

  private constructor(port: number, cleanUps: CleanUps) {
    this.port = port;
    this.#cleanUps = cleanUps;
  }

  /** Starts an agent on the same ports as the one before. */
  async startAgent(): Promise<AgentChildReady> {
    const links = `[dnsserver]\nport = ${this.dns.port}\n[reporter]\nport = ${this.reporter.port}\n`;
    const times = '[agent]\nreconnect_min = 5\nreconnect_max = 50\n[loadbalance]\nreport_timeout = 0.01\n';
    const conf = `[udp]\nport = ${this.port}\n[http]\nport = 0\n${links}${times}`;
    const child = spawn(process.execPath, ['--conditions=source', CHILD, conf], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    const exited = once(child, 'exit');
    this.#cleanUps.add(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const said: unknown = JSON.parse(line);
      if (typeof said !== 'object' || said === null || !('udpPorts' in said)) continue;
      child.stdout.resume();
      return said as AgentChildReady;
    }
    throw new Error('the agent ended before it was ready');
  }

  /** Resolves when the kernel has closed its sockets. */
  async killAgent(): Promise<void> {
    const child = this.#child as ChildProcess;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  signalAgent(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  client(options: LarsClientOptions = {}): LarsClient {
    const client = new LarsClient({ ports: this.port, ...options });
    this.#cleanUps.add(() => client.close());
    return client;
  }

  /** The calls that the reporter knows of, by outcome. */
  told(modid: number, cmdid: number): { succ: number; err: number } {
    const sums = { succ: 0, err: 0 };
    for (const { succ, err } of Object.values(this.reporter.calls(modid, cmdid))) {
      sums.succ += succ;
      sums.err += err;
    }
    return sums;
  }
}

/** Callers of one module, each of which calls as soon as its last call has ended. */
export class Load {
  /** What was reported, by outcome. */
  readonly reported = { succ: 0, err: 0 };
  /** Calls by port. */
  readonly calls = new Map<number, number>();
  /** Codes of the errors of getHost. */
  readonly errors: string[] = [];
  /** The longest that a getHost took, milliseconds. */
  slowestMs = 0;
  readonly #client: LarsClient;
  readonly #modid: number;
  readonly #cmdid: number;
  readonly #isOk: (host: LarsHost) => boolean;
  #running: Promise<unknown> = Promise.resolve();
  #isOn = false;

  constructor(client: LarsClient, modid: number, cmdid: number, isOk: (host: LarsHost) => boolean = () => true) {
    this.#client = client;
    this.#modid = modid;
    this.#cmdid = cmdid;
    this.#isOk = isOk;
  }

  begin(callers = 8): void {
    this.#isOn = true;
    this.#running = Promise.all(Array.from({ length: callers }, () => this.#call()));
  }

  async end(): Promise<void> {
    this.#isOn = false;
    await this.#running;
  }

  async #call(): Promise<void> {
    while (this.#isOn) {
      const startMs = performance.now();
      try {
        const host = await this.#client.getHost(this.#modid, this.#cmdid);
        this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
        await sleep(1);
        const ok = this.#isOk(host);
        this.#client.report(host, { ok, tcostMs: 1 });
        this.reported[ok ? 'succ' : 'err'] += 1;
        this.calls.set(host.port, (this.calls.get(host.port) ?? 0) + 1);
      } catch (error) {
        this.errors.push((error as { readonly code: string }).code);
        await sleep(10);
      }
    }
  }
}
