/** A system in this process, real programs as hosts, and the built `lars proxy` in front of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { LarsClient } from '@lars/client-sdk';
import type { ProxyStatus } from '@lars/proxy';
import type { Health } from '@lars/runtime/http/health-server';
import { type Lars, startLars } from '../../examples/demo/lars.ts';
import { eventually } from '../support/eventually.ts';
import { freeTcpPort } from '../support/free-ports.ts';
import { recordingLog } from '../support/recording-log.ts';
import type { CleanUps } from './agent-world.ts';
import { LarsFolder, type LarsProcess, type StartOptions } from './cli-process.ts';

export interface ProxyWorld {
  readonly folder: LarsFolder;
  readonly lars: Lars;
  readonly proxy: LarsProcess;
  /** Of the conf, before `conf`. */
  readonly head: string;
  readonly httpPort: number;
  /** Of each listener, in order. */
  readonly ports: readonly number[];
  readonly port: number;
  status(): Promise<ProxyStatus>;
  health(): Promise<Health>;
}

export interface ProxyWorldOptions {
  /** That of another test, instead of one that is started; it stays. */
  readonly lars?: Lars;
  /** 'MODID/CMDID' → 'HOST:PORT'. */
  readonly routes: Readonly<Record<string, readonly string[]>>;
  /** Of proxy.ini, behind its [agent] and [http]. */
  readonly conf: string;
  /** Any free one by default. */
  readonly httpPort?: number;
  /** How its process is started, such as with a lower limit of open files. */
  readonly start?: StartOptions;
  /** Of the agent's [loadbalance]. */
  readonly loadbalance?: readonly string[];
}

export async function startProxyWorld(cleanUps: CleanUps, options: ProxyWorldOptions): Promise<ProxyWorld> {
  const lars = options.lars ?? (await startLars({ log: recordingLog().log, loadbalance: options.loadbalance ?? [] }));
  if (options.lars === undefined) cleanUps.add(() => lars.remove());
  const client = new LarsClient({ ports: lars.udpPorts });
  for (const [module, hosts] of Object.entries(options.routes)) {
    const [modid, cmdid] = module.split('/').map(Number) as [number, number];
    await lars.addRoute(modid, cmdid, hosts);
    await client.register(modid, cmdid);
  }
  await client.close();
  const folder = new LarsFolder();
  cleanUps.add(() => folder.dispose());
  const head = `[agent]\nports = ${lars.udpPorts.join(',')}\n[http]\nport = ${options.httpPort ?? 0}\n`;
  folder.write('conf/proxy.ini', head + options.conf);
  const proxy = folder.start(['proxy', '--json'], options.start);
  const ready = await proxy.ready;
  const ports = ready.proxy.listens.map(place => Number(/:(\d+)$/.exec(place)?.[1]));
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${ready.proxy.httpPort}${path}`)).json();
  return {
    folder,
    lars,
    proxy,
    head,
    httpPort: ready.proxy.httpPort,
    ports,
    port: ports[0] as number,
    status: async () => (await get('/proxy')) as ProxyStatus,
    health: async () => (await get('/healthz')) as Health,
  };
}

/** A program of the system that serves at a port until the test ends. */
export class RealServer {
  readonly port: number;
  readonly #start: () => ChildProcess;
  #child: ChildProcess | undefined;

  private constructor(port: number, start: () => ChildProcess) {
    this.port = port;
    this.#start = start;
  }

  /** @param args what the program is started with, for its port and a folder of its own, which is made */
  static async start(
    cleanUps: CleanUps,
    folder: string,
    program: string,
    args: (port: number, folder: string) => readonly string[],
  ): Promise<RealServer> {
    mkdirSync(folder, { recursive: true });
    const port = await freeTcpPort();
    const server = new RealServer(port, () => spawn(program, args(port, folder), { cwd: folder, stdio: 'ignore' }));
    cleanUps.add(() => server.kill());
    await server.run();
    return server;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it, again where it was killed; resolves when it accepts connections. */
  async run(): Promise<void> {
    const child = this.#start();
    this.#child = child;
    await eventually(`${path.basename(child.spawnfile)} accepts connections`, () => {
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`);
      return accepts(this.port);
    });
  }

  /** As a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  const isOpen = await new Promise<boolean>(resolve => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}

/** Runs a program to its end. */
export async function runProgram(
  program: string,
  args: readonly string[],
  input = '',
): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(program, args, { stdio: 'pipe' });
  let out = '';
  let err = '';
  child.stdout.on('data', text => {
    out += text;
  });
  child.stderr.on('data', text => {
    err += text;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
}

/** A folder that goes when the test ends. */
export function folderFor(cleanUps: CleanUps): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'lars-proxy-'));
  cleanUps.add(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
