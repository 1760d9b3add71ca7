import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@lars/runtime/errors';
import { CommandError } from '../errors.ts';
import { cpuSecondsSinceStart, readResidentMb } from './cpu-time.ts';

/** The path of this package's command, the same from its sources and from what is built of them. */
const LARS = path.join(import.meta.dirname, '../../bin/lars.js');
const READY_TIMEOUT_MS = 60_000;
/** Services stop within two seconds. */
const STOP_TIMEOUT_MS = 5_000;

/** A process that ends in any other way than by stopping them must not leave them behind. */
const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** A server as a process of its own, so that its CPU time and memory are its own too. */
export class ChildServer {
  readonly pid: number;
  /** What its first line on standard output said. */
  readonly ready: Readonly<Record<string, unknown>>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess, exited: Promise<unknown>, ready: Readonly<Record<string, unknown>>) {
    this.pid = child.pid as number;
    this.ready = ready;
    this.#child = child;
    this.#exited = exited;
  }

  /** `lars ARGS --json`, until its line of readiness. */
  static startLars(args: readonly string[], cwd: string): Promise<ChildServer> {
    return ChildServer.start(process.execPath, [LARS, ...args, '--json'], cwd);
  }

  /**
   * Runs a program whose first line on standard output is a JSON object, printed when it serves.
   * @throws {CommandError} NOT_STARTED
   */
  static async start(program: string, args: readonly string[], cwd: string): Promise<ChildServer> {
    // A group of its own: Ctrl-C reaches the process that started it, which then stops it. Its standard input ends with that process.
    const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    alive.add(child);
    const exited = new Promise<string>(resolve => {
      child.once('exit', code => resolve(`it ended with ${code}`));
      child.once('error', error => resolve(messageOf(error)));
    });
    void exited.then(() => alive.delete(child));
    const outcome = await Promise.race([
      once(createInterface({ input: child.stdout as Readable }), 'line').then(([line]) => ({ line: String(line) })),
      exited.then(why => ({ why })),
      sleep(READY_TIMEOUT_MS, { why: `not ready within ${READY_TIMEOUT_MS / 1_000} s` }, { ref: false }),
    ]);
    if ('line' in outcome) return new ChildServer(child, exited, JSON.parse(outcome.line));
    child.kill('SIGKILL');
    throw new CommandError('NOT_STARTED', `${args.join(' ')}: ${outcome.why}`);
  }

  /** CPU seconds of the threads that live now, and resident memory in MB (10⁶ bytes); NaN where the system does not say. */
  usage(): { readonly cpuSeconds: number; readonly residentMb: number } {
    return { cpuSeconds: cpuSecondsSinceStart(this.pid), residentMb: readResidentMb(this.pid) ?? Number.NaN };
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGTERM');
    const impatient = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(impatient);
  }
}
