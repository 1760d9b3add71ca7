/** What /proc tells of other processes; where there is none, nothing is known. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

/** Who has a port. */
export interface PortHolder {
  /** 'nginx (pid 12)' */
  readonly name: string;
  /** Undefined where this user may not see whose it is. */
  readonly pid: number | undefined;
  /** Its words, the program first. */
  readonly command: readonly string[];
}

const TCP = { tables: ['/proc/net/tcp', '/proc/net/tcp6'], state: '0A' } as const;
/** A socket that takes datagrams from everybody. */
const UDP = { tables: ['/proc/net/udp', '/proc/net/udp6'], state: '07' } as const;

/** Who listens on a TCP port of this machine; undefined where nobody does. */
export function listenerOf(port: number): PortHolder | undefined {
  return holderOf(port, TCP);
}

/** Who takes the datagrams of a UDP port of this machine; undefined where nobody does. */
export function receiverOf(port: number): PortHolder | undefined {
  return holderOf(port, UDP);
}

/** How many files a process may have open. */
export function openFilesOf(pid: number): number | undefined {
  const limit = /^Max open files +(\d+) /m.exec(read(`/proc/${pid}/limits`))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

function holderOf(port: number, { tables, state: wantedState }: typeof TCP | typeof UDP): PortHolder | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  for (const table of tables) {
    for (const line of read(table).split('\n')) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === wantedState && local.endsWith(`:${wanted}`))
        return processOf(inode) ?? { name: 'another process', pid: undefined, command: [] };
    }
  }
  return undefined;
}

/** Whose socket it is. */
function processOf(inode: string): PortHolder | undefined {
  for (const pid of list('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of list(`/proc/${pid}/fd`))
      if (link(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`) return describe(Number(pid));
  }
  return undefined;
}

function describe(pid: number): PortHolder {
  const command = read(`/proc/${pid}/cmdline`).split('\0').filter(Boolean);
  const [program = '', script = ''] = command;
  // Of what an interpreter runs, the script is the name that people know.
  const isScript = path.basename(program).startsWith('node') && script !== '' && !script.startsWith('-');
  const shown = isScript ? script : program;
  const name = path.basename(shown) || read(`/proc/${pid}/comm`).trim() || 'a process';
  return { name: `${name} (pid ${pid})`, pid, command };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function link(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
