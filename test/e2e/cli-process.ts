/** The built `lars` as a process of its own, in a folder of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { runMainWith } from '../support/memory-terminal.ts';

const LARS = fileURLToPath(new URL('../../cli/bin/lars.js', import.meta.url));

export interface Ended {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Ready {
  readonly pid: number;
  readonly dnsserver: { readonly tcpPort: number; readonly httpPort: number; readonly database: string; readonly conf: string };
  readonly reporter: { readonly tcpPort: number; readonly httpPort: number };
  readonly agent: {
    readonly ip: string;
    readonly transport: string;
    readonly udpPorts: readonly number[];
    readonly httpPort: number;
  };
  readonly dispatcher: { readonly listens: readonly string[]; readonly httpPort: number };
  readonly proxy: { readonly listens: readonly string[]; readonly httpPort: number; readonly engine: string };
}

export interface StartOptions {
  readonly nodeArgs?: readonly string[];
  readonly program?: string;
  /** The Node.js that runs it; this one by default. */
  readonly node?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** A command that replaces itself with the program and arguments that it is given behind its own: ['sh', '-c', '…; exec "$0" "$@"']. */
  readonly shell?: readonly string[];
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A folder for one test, and the processes that run in it. */
export class LarsFolder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'lars-cli-'));
  readonly #running = new Set<LarsProcess>();

  /** All ports are picked by the system. @param more sections for agent.ini */
  writeStandardConf(more: { readonly agent?: string } = {}): void {
    const http = '[http]\nport = 0\n';
    this.write('conf/dnsserver.ini', `[tcp]\nport = 0\n${http}`);
    this.write('conf/reporter.ini', `[tcp]\nport = 0\n${http}`);
    this.write('conf/agent.ini', `[udp]\nport = 0\n${http}${more.agent ?? ''}`);
  }

  write(name: string, text: string): void {
    const file = path.join(this.path, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Removes a file or folder. */
  clear(name: string): void {
    rmSync(path.join(this.path, name), { recursive: true, force: true });
  }

  start(args: readonly string[], options: StartOptions = {}): LarsProcess {
    const { nodeArgs = [], program = LARS, node = process.execPath, shell } = options;
    const env = { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', ...options.env };
    const command = [node, ...nodeArgs, program, ...args];
    const [file = '', ...fileArgs] = shell === undefined ? command : [...shell, ...command];
    const child = spawn(file, fileArgs, { cwd: this.path, env, stdio: 'pipe' });
    const running = new LarsProcess(child);
    this.#running.add(running);
    void running.ended.then(() => this.#running.delete(running));
    return running;
  }

  /** Runs a command to its end. */
  run(args: readonly string[], input = ''): Promise<Ended> {
    const running = this.start(args);
    running.input(input);
    return running.ended;
  }

  /**
   * Runs a command to its end in this process, in a twentieth of the time: for what is said of results, and not of processes. One at a
   * time, for a process has one working directory.
   */
  async runHere(args: readonly string[], input = ''): Promise<Ended> {
    const before = process.cwd();
    process.chdir(this.path);
    try {
      const { exitCode, out, err } = await runMainWith(input, args);
      return { code: exitCode, out, err };
    } finally {
      process.chdir(before);
    }
  }

  async dispose(): Promise<void> {
    const running = [...this.#running];
    for (const one of running) one.signal('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    rmSync(this.path, { recursive: true, force: true });
  }
}

export class LarsProcess {
  readonly ended: Promise<Ended>;
  /** Its exit code, also where another process has its standard output and errors still. */
  readonly exited: Promise<number | null>;
  readonly #child: Child;
  readonly #written = { out: '', err: '' };
  readonly #ready = Promise.withResolvers<Ready>();

  constructor(child: Child) {
    this.#child = child;
    const written = this.#written;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      written.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      written.err += text;
    });
    createInterface({ input: child.stdout }).once('line', line => this.#onFirstLine(line));
    this.ended = new Promise(resolve => child.once('close', code => resolve({ code, ...written })));
    this.exited = new Promise(resolve => child.once('exit', resolve));
    // Whoever waits for the ready line of a process that has ended learns why.
    void this.ended.then(({ code, err }) => this.#ready.reject(new Error(`lars ended with ${code}: ${err}`)));
    this.#ready.promise.catch(() => undefined);
    // A process that ends before it has read its input closes the pipe.
    child.stdin.on('error', () => undefined);
  }

  /** What a service says with --json when it is ready. */
  get ready(): Promise<Ready> {
    return this.#ready.promise;
  }

  /** Resolves when this stands in what the process has logged. */
  logged(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => this.#written.err.includes(text) && resolve();
      this.#child.stderr.on('data', look);
      void this.ended.then(({ code, err }) => reject(new Error(`lars ended with ${code}: ${err}`)));
      look();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  input(text: string): void {
    this.#child.stdin.end(text);
  }

  /** Nobody reads its results any more. */
  closeOutput(): void {
    this.#child.stdout.destroy();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** As Ctrl-C would. */
  async interrupt(): Promise<Ended & { readonly tookMs: number }> {
    const startMs = performance.now();
    this.signal('SIGINT');
    const ended = await this.ended;
    return { ...ended, tookMs: performance.now() - startMs };
  }

  #onFirstLine(line: string): void {
    try {
      this.#ready.resolve(JSON.parse(line));
    } catch {
      this.#ready.reject(new Error(`no ready line: ${line}`));
    }
  }
}

/** The --agent that finds an agent whose ports were picked. */
export function agentOf({ agent }: Ready): string {
  return `--agent=${agent.ip}:${agent.udpPorts.join(',')}`;
}
