import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { parsePrometheus, type Sample } from '../../test/support/prometheus-text.ts';
import type { Footprint } from './promises.ts';

export type ServiceKind = 'agent' | 'dnsserver' | 'reporter';

export interface ServiceOptions {
  readonly name: string;
  readonly kind: ServiceKind;
  readonly folder: string;
  readonly httpPort: number;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const LARS = path.join(import.meta.dirname, '../../cli/bin/lars.js');
const START_MS = 60_000;
const STOP_MS = 60_000;
const HTTP_MS = 2_000;
const LOG_CHARS = 4_000;

/** The built `lars` as a process that may be killed, frozen and started again, with NAME.ini of its folder as conf. */
export class Service {
  readonly name: string;
  readonly kind: ServiceKind;
  /** What it has done that nobody asked it to: ends, and exit codes. */
  readonly troubles: string[] = [];
  readonly #options: ServiceOptions;
  #child: Child | undefined;
  #isEnding = false;
  #log = '';

  constructor(options: ServiceOptions) {
    this.name = options.name;
    this.kind = options.kind;
    this.#options = options;
  }

  /** Resolves when it serves. @throws {Error} with the end of its log when it ends instead, or does not begin in time */
  async start(): Promise<void> {
    const conf = path.join(this.#options.folder, `${this.name}.ini`);
    const env = { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '' };
    const args = [LARS, this.kind, '--conf', conf, '--json'];
    const child = spawn(process.execPath, args, { cwd: this.#options.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#isEnding = false;
    this.#log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-LOG_CHARS);
    });
    child.once('exit', (code, signal) => {
      if (!this.#isEnding) this.troubles.push(`${this.name} ended by itself (${code ?? signal}): ${this.#log.trim()}`);
    });
    const ready = once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(START_MS) });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${this.name} ended with ${code} at its start: ${this.#log.trim()}`);
    });
    ended.catch(() => undefined);
    await Promise.race([ready, ended]);
    child.stdout.resume();
  }

  async kill(): Promise<void> {
    const child = this.#running();
    if (child === undefined) return;
    this.#isEnding = true;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** As an operator would: SIGTERM, after which it must end with code 0 in time. */
  async stop(): Promise<void> {
    const child = this.#running();
    if (child === undefined) return;
    this.#isEnding = true;
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(STOP_MS) });
    child.kill('SIGTERM');
    const [code, signal] = (await ended) as [number | null, NodeJS.Signals | null];
    if (code !== 0) this.troubles.push(`${this.name} ended with ${code ?? signal} after SIGTERM: ${this.#log.trim()}`);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGHUP'): void {
    this.#running()?.kill(signal);
  }

  /** Stops to read its log, so that the pipe fills. */
  pauseLog(): void {
    this.#child?.stderr.pause();
  }

  resumeLog(): void {
    this.#child?.stderr.resume();
  }

  get isRunning(): boolean {
    return this.#running() !== undefined;
  }

  /** Whether it says of itself that all is well. */
  async isWell(): Promise<boolean> {
    const said = await this.health();
    return typeof said === 'object' && said !== null && 'status' in said && said.status === 'ok';
  }

  /** What /healthz says; undefined when it does not answer. */
  async health(): Promise<unknown> {
    const text = await this.#get('/healthz');
    return text === undefined ? undefined : JSON.parse(text);
  }

  /** What /metrics says; none when it does not answer. */
  async metrics(): Promise<readonly Sample[]> {
    return parsePrometheus((await this.#get('/metrics')) ?? '');
  }

  /** Undefined where the system has no /proc. */
  footprint(): Footprint | undefined {
    const pid = this.#running()?.pid;
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
      return { residentBytes: kib * 1_024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
    } catch {
      return undefined;
    }
  }

  /** Kills what is left of it, at once. */
  abandon(): void {
    this.#isEnding = true;
    this.#running()?.kill('SIGKILL');
  }

  async #get(page: string): Promise<string | undefined> {
    try {
      const signal = AbortSignal.timeout(HTTP_MS);
      return await (await fetch(`http://127.0.0.1:${this.#options.httpPort}${page}`, { signal })).text();
    } catch {
      return undefined;
    }
  }

  #running(): Child | undefined {
    const child = this.#child;
    return child !== undefined && child.exitCode === null && child.signalCode === null ? child : undefined;
  }
}
