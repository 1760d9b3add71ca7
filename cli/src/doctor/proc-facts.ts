/** What /proc tells of other processes; where there is none, nothing is known. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const LISTEN = '0A';

/** Who listens on a TCP port of this machine: 'nginx (pid 12)'; undefined where nobody does, or this user may not see who. */
export function listenerOf(port: number): string | undefined {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of read(table).split('\n')) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === LISTEN && local.endsWith(`:${wanted}`)) return holderOf(inode) ?? 'another process';
    }
  }
  return undefined;
}

/** How many files a process may have open. */
export function openFilesOf(pid: number): number | undefined {
  const limit = /^Max open files +(\d+) /m.exec(read(`/proc/${pid}/limits`))?.[1];
  return limit === undefined ? undefined : Number(limit);
}

function holderOf(inode: string): string | undefined {
  for (const pid of list('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of list(`/proc/${pid}/fd`)) {
      if (link(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`)
        return `${read(`/proc/${pid}/comm`).trim() || 'a process'} (pid ${pid})`;
    }
  }
  return undefined;
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
