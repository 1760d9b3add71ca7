import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@lars/runtime/errors';
import type { BenchSystem } from './bench-system.ts';
import type { ChildServer } from './child-server.ts';

/** The source belongs to this package's sources, and is compiled where it is wanted. */
const SOURCE = path.join(import.meta.dirname, '../../src/bench/echo.c');
const COMPILE_TIMEOUT_MS = 60_000;

export interface CEcho {
  readonly server: ChildServer;
  /** One for each of its threads. */
  readonly ports: readonly number[];
}

export type CEchoOutcome = { readonly echo: CEcho } | { readonly unavailable: string };

/** The yardstick of the UDP path: a bare recvmmsg/sendmmsg echo in C. Where it cannot be built, a line for people says why. */
export async function startCEcho(system: BenchSystem, threads: number): Promise<CEchoOutcome> {
  if (process.platform !== 'linux') return { unavailable: `recvmmsg is Linux's, and this is ${process.platform}` };
  const program = path.join(system.folder, 'echo');
  try {
    await promisify(execFile)('cc', ['-O2', '-pthread', '-o', program, SOURCE], { timeout: COMPILE_TIMEOUT_MS });
  } catch (error) {
    return { unavailable: whyNotCompiled(error) };
  }
  const server = await system.startProgram(program, [String(threads)]);
  return { echo: { server, ports: server.ready['ports'] as number[] } };
}

function whyNotCompiled(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'there is no C compiler (cc) here';
  return `cc does not compile it: ${messageOf(error).split('\n', 2).join(' ')}`;
}
