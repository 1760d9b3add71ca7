/** Servers of four workers, processes or threads, that share a port in their different ways. */
import path from 'node:path';
import { ServerProcess } from '../server-process.ts';
import { processTree } from './process-tree.ts';

export const WORKERS = 4;

export interface WorkerServer {
  readonly name: string;
  readonly process: ServerProcess;
  readonly port: number;
  /** The process and all that descend from it. */
  readonly pid: readonly number[];
}

type Start = (folder: string) => Promise<ServerProcess>;

const scriptOf = (name: string) => path.join(import.meta.dirname, name);
const startScript =
  (script: string, ...args: readonly string[]): Start =>
  folder =>
    ServerProcess.start(process.execPath, ['--conditions=source', scriptOf(script), ...args], folder);

const startDispatch =
  (script: string, ...args: readonly string[]): Start =>
  folder =>
    ServerProcess.start(
      process.execPath,
      [
        path.join(import.meta.dirname, '../../cli/bin/lars.js'),
        ...['dispatch', '--json', '--log-level', 'error', '--listen', '127.0.0.1:0', '--backlog', '4096'],
        ...['--socket', path.join(folder, `${path.parse(script).name}.sock`), '--workers', String(WORKERS), '--'],
        ...[process.execPath, '--conditions=source', scriptOf(script), ...args],
      ],
      folder,
    );

const count = String(WORKERS);
const STARTS = {
  reusePort: { name: 'SO_REUSEPORT', start: startScript('node-server.ts', 'reuse-port', count) },
  shared: { name: 'node:cluster, one socket', start: startScript('node-server.ts', 'shared', count) },
  roundRobin: { name: 'node:cluster, round robin', start: startScript('node-server.ts', 'round-robin', count) },
  dispatch: { name: 'lars dispatch, fewest connections', start: startDispatch('node-server.ts', 'dispatched') },
  dispatchReactor: { name: 'lars dispatch, workers on the reactor', start: startDispatch('dispatched-reactor.ts') },
  reactor: { name: 'reactor threads, fewest, then least busy', start: startScript('reactor-server.ts', count) },
  plain: { name: 'node:net, one process', start: startScript('node-server.ts', 'plain') },
} as const;

export type WorkerServerKind = keyof typeof STARTS;

/** Starts them all; the caller stops their processes. */
export async function startWorkerServers(kinds: readonly WorkerServerKind[], folder: string): Promise<readonly WorkerServer[]> {
  const servers: WorkerServer[] = [];
  for (const kind of kinds) {
    const { name, start } = STARTS[kind];
    const server = await start(folder);
    const port = portOf(server.ready);
    servers.push({
      name,
      process: server,
      port,
      get pid() {
        return processTree(server.pid);
      },
    });
  }
  return servers;
}

/** Our scripts tell a port, services the places where they listen. */
function portOf(ready: Readonly<Record<string, unknown>>): number {
  if (typeof ready['port'] === 'number') return ready['port'];
  const { listens } = ready['dispatcher'] as { readonly listens: readonly string[] };
  return Number(listens[0]?.split(':').at(-1));
}
