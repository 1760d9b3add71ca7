/** `lars proxy`, with a system behind it that knows the hosts. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openRouteEditor } from '@lars/dnsserver';
import { ServerProcess } from '../server-process.ts';
import { startUp } from '../system.ts';
import type { ProxyServer, Route } from './balancers.ts';
import { processTree } from './process-tree.ts';

export const LARS_PROXY = 'lars proxy';
const COMMAND = path.join(import.meta.dirname, '../../cli/bin/lars.js');
const MODID = 1;

/** Whether this lars has it. */
export function hasProxy(): boolean {
  try {
    execFileSync(process.execPath, [COMMAND, 'proxy', '--print-conf'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export interface LarsSystem {
  readonly process: ServerProcess;
  readonly udpPorts: readonly number[];
}

/** dnsserver, reporter and agent in one process; route number N is that of module 1/N. */
export async function startLarsSystem(routes: readonly Route[], folder: string): Promise<LarsSystem> {
  const system = await startUp(folder);
  const editor = await openRouteEditor({ file: path.join(folder, 'lars.db') });
  try {
    for (const [at, { hosts, port }] of routes.entries()) {
      await editor.add(
        MODID,
        at,
        hosts.map(host => ({ host: `${host}:${port}` })),
      );
    }
  } finally {
    await editor.close();
  }
  return system;
}

/** One thread, with the defaults of its conf, but for how many connections it takes. */
export async function startLarsProxy({ udpPorts }: LarsSystem, routes: readonly Route[], folder: string): Promise<ProxyServer> {
  const own = path.join(folder, 'proxy');
  mkdirSync(own, { recursive: true });
  const listens = routes.map((_, at) => `[listen route${at}]\naddress = 127.0.0.1:0\nmodule = ${MODID}/${at}\n`);
  const file = path.join(own, 'proxy.ini');
  writeFileSync(
    file,
    `[agent]\nports = ${udpPorts.join(',')}\n[proxy]\nmax_connections = 100000\n[listeners]\nmax_connections = 100000\n${listens.join('')}[http]\nport = 0\n[log]\nlevel = error\n`,
  );
  const server = await ServerProcess.startLars(['proxy', '--conf', file], own);
  const { listens: places } = server.ready['proxy'] as { readonly listens: readonly string[] };
  return {
    name: LARS_PROXY,
    process: server,
    ports: places.map(portOf),
    get pid() {
      return processTree(server.pid);
    },
  };
}

/** Of 'ADDRESS=MODULE' or 'ADDRESS'. */
function portOf(place: string): number {
  const port = /:(\d+)(?!.*:\d)/.exec(place)?.[1];
  if (port === undefined) throw new Error(`no port in '${place}'`);
  return Number(port);
}
