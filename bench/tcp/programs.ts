/** The programs in C: a load generator, so that the generator is never what limits, a server on epoll as yardstick and as what stands behind proxies, and a dispatcher as yardstick. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '@lars/runtime/errors';
import { ServerProcess } from '../server-process.ts';

const SOURCES = path.join(import.meta.dirname, 'c');
const COMPILE_TIMEOUT_MS = 60_000;

export interface TcpPrograms {
  readonly load: string;
  readonly server: string;
  readonly handOver: string;
}

/** @returns why there are none, in one line, where they cannot be compiled */
export async function compilePrograms(folder: string): Promise<TcpPrograms | { readonly unavailable: string }> {
  if (process.platform !== 'linux') return { unavailable: `they need epoll, and this is ${process.platform}` };
  const programs = {
    load: path.join(folder, 'load'),
    server: path.join(folder, 'server'),
    handOver: path.join(folder, 'hand-over'),
  };
  try {
    await compile(programs.load, ['load.c', 'load-kinds.c'], ['-lm']);
    await compile(programs.server, ['server.c'], ['-pthread']);
    await compile(programs.handOver, ['hand-over.c'], []);
    return programs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { unavailable: 'there is no C compiler (cc) here' };
    return { unavailable: `cc does not compile them: ${messageOf(error).split('\n', 2).join(' ')}` };
  }
}

export interface CServer {
  readonly process: ServerProcess;
  readonly port: number;
}

/** Answers with what it gets, or only reads it (`sink`); on all addresses of the machine, those of 127.0.0.0/8 included. */
export async function startCServer(program: string, threads: number, kind: 'echo' | 'sink', folder: string): Promise<CServer> {
  const server = await ServerProcess.start(program, [String(threads), kind], folder);
  return { process: server, port: server.ready['port'] as number };
}

/** Files that a proxy has open beside its connections, each of which takes two. */
const SPARE_FILES = 1_000;

/** How many connections a proxy may have here, for all its open files. */
export function proxiedConnectionsLimit(): number {
  return Math.floor((openFilesLimit() - SPARE_FILES) / 2);
}

/** How many files a process may open. */
export function openFilesLimit(): number {
  const hard = /^Max open files +\d+ +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === undefined || hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
}

async function compile(program: string, sources: readonly string[], libraries: readonly string[]): Promise<void> {
  const files = sources.map(source => path.join(SOURCES, source));
  await promisify(execFile)('cc', ['-O2', '-o', program, ...files, ...libraries], { timeout: COMPILE_TIMEOUT_MS });
}
