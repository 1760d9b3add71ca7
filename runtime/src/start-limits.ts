/** What a process may use, and what a service needs to start: with less, Node fails somewhere in the middle of the start, with a stack. */
import { readFileSync } from 'node:fs';
import { messageOf, StartupError } from './errors.ts';

export interface ProcessLimits {
  readonly openFiles: number;
  readonly addressSpaceBytes: number;
  /** Of the cgroup, as a container has it. */
  readonly memoryBytes: number;
}

const MB = 1024 * 1024;
/** The agent with its five threads has 55 open and dnsserver 29, before the first connection. */
const NEEDED_FILES = 128;
/** V8 reserves much more of the address space than it uses, for each thread; a service has its main thread, the agent five more. */
const NEEDED_ADDRESS_SPACE = { agent: 5_800 * MB, other: 1_800 * MB };
/** Less than they take where memory is plenty: what is not needed is given back when it runs short. */
const NEEDED_MEMORY = { agent: 96 * MB, other: 48 * MB };

/** @throws {StartupError} naming the limit that is too low, and what is needed */
export function requireLimits(service: string): void {
  const problem = limitProblem(service, processLimits());
  if (problem !== undefined) throw new StartupError('LIMIT', problem);
}

/** In one line; undefined when the service can start. */
export function limitProblem(service: string, limits: ProcessLimits): string | undefined {
  const kind = service === 'agent' ? 'agent' : 'other';
  if (limits.openFiles < NEEDED_FILES) {
    return `${service} needs at least ${NEEDED_FILES} open files and one more for each connection, ${openFilesLimit(limits)}`;
  }
  if (limits.addressSpaceBytes < NEEDED_ADDRESS_SPACE[kind]) {
    const needed = `at least ${NEEDED_ADDRESS_SPACE[kind] / 1024} kB of address space`;
    return `${service} needs ${needed}, the limit is ${limits.addressSpaceBytes / 1024} (ulimit -v; LimitAS of systemd)`;
  }
  if (limits.memoryBytes < NEEDED_MEMORY[kind]) {
    const needed = `at least ${NEEDED_MEMORY[kind] / MB} MB of memory`;
    return `${service} needs ${needed}, the limit is ${Math.floor(limits.memoryBytes / MB)} (the container's; MemoryMax of systemd)`;
  }
  return undefined;
}

/** The reason of a thread that could not be started, where that was a limit. */
export function threadStartError(thread: string, error: Error): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_INIT_FAILED') {
    const reason = /EMFILE|ENFILE/.test(error.message)
      ? `too many open files: ${openFilesLimit(processLimits())}`
      : error.message;
    return new StartupError('LIMIT', `thread ${thread} cannot be started: ${reason}`, { cause: error });
  }
  if (code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
  return new StartupError('LIMIT', `thread ${thread} has run out of memory: ${messageOf(error)}`, { cause: error });
}

function openFilesLimit({ openFiles }: Pick<ProcessLimits, 'openFiles'>): string {
  return `the limit is ${openFiles} (ulimit -n; LimitNOFILE of systemd)`;
}

/** Read at the start: when the files have run out, this file cannot be opened either. */
let known: ProcessLimits | undefined;

/** Without /proc nothing is limited, as far as can be told. */
export function processLimits(): ProcessLimits {
  known ??= readLimits();
  return known;
}

function readLimits(): ProcessLimits {
  const table = readTable();
  return {
    openFiles: softLimit(table, 'Max open files'),
    addressSpaceBytes: softLimit(table, 'Max address space'),
    // Some systems answer 0 for none.
    memoryBytes: process.constrainedMemory() || Number.POSITIVE_INFINITY,
  };
}

function readTable(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}

function softLimit(table: string, name: string): number {
  const found = new RegExp(`^${name} +(\\d+) `, 'm').exec(table)?.[1];
  return found === undefined ? Number.POSITIVE_INFINITY : Number(found);
}
