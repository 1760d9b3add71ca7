/** A server as a process of its own, so that its CPU time and memory are its own too. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const LARS = path.join(import.meta.dirname, '../cli/bin/lars.js');
/** Linux counts CPU time in hundredths of a second, on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface Usage {
  /** User and system time of all its threads, seconds. */
  readonly cpuSeconds: number;
  /** Resident memory, MB (10⁶ bytes). */
  readonly residentMb: number;
}

export class ServerProcess {
  /** What its first line on standard output said. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ready: Readonly<Record<string, unknown>>) {
    this.#child = child;
    this.ready = ready;
  }

  /** `lars ARGS --json`, until its line of readiness. */
  static startLars(args: readonly string[], cwd: string): Promise<ServerProcess> {
    return ServerProcess.start([LARS, ...args, '--json'], cwd);
  }

  /** Runs a script whose first line on standard output is a JSON object, printed when it serves. */
  static async start(args: readonly string[], cwd: string): Promise<ServerProcess> {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
    const [line] = await Promise.race([
      once(lines, 'line'),
      once(child, 'exit').then(() => Promise.reject(new Error(`${args.join(' ')} ended`))),
    ]);
    return new ServerProcess(child, JSON.parse(line));
  }

  usage(): Usage {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
    // The second field is the name in brackets and may hold blanks; the rest is separated by them.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    const kib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
    return { cpuSeconds: ticks / TICKS_PER_SECOND, residentMb: (kib * 1_024) / 1e6 };
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }
}
