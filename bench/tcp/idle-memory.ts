import { setTimeout as sleep } from 'node:timers/promises';
import { readResidentMb } from '../../cli/src/bench/cpu-time.ts';
import type { ServerProcess } from '../server-process.ts';
import { withIdleConnections } from './load.ts';
import { count, withProcesses } from './measure.ts';
import { openFilesLimit, proxiedConnectionsLimit, type TcpPrograms } from './programs.ts';
import { ROUTES, startProxyWorld } from './proxy-world.ts';

const WANTED = 50_000;
const GOAL_MB = 250;
const SETTLE_MS = 1_000;

/** Resident memory of each proxy, with as many idle connections as are wanted, or as it may have. */
export function measureIdleMemory(programs: TcpPrograms, folder: string): Promise<string> {
  const connections = Math.min(WANTED, proxiedConnectionsLimit());
  // Fresh ones: what has been under load keeps memory from then.
  return withProcesses(async (running: ServerProcess[]) => {
    const { proxies } = await startProxyWorld(programs, folder, running);
    const rows: string[] = [];
    for (const { name, pid, ports } of proxies) {
      const before = residentMbOf(pid);
      const after = await withIdleConnections(programs.load, { port: ports[ROUTES.echo] as number }, connections, async () => {
        await sleep(SETTLE_MS);
        return residentMbOf(pid);
      });
      const bytes = ((after - before) * 1e6) / connections;
      const goal = name.startsWith('lars') ? String(GOAL_MB) : '';
      const atWanted = before + (bytes * WANTED) / 1e6;
      rows.push(`| ${name} | ${before.toFixed(0)} | ${after.toFixed(0)} | ${count(bytes)} | ${atWanted.toFixed(0)} | ${goal} |`);
    }
    const note =
      connections === WANTED
        ? ''
        : `A process may open ${count(openFilesLimit())} files here, and each connection takes two: the figures for ${count(WANTED)} are reckoned from ${count(connections)}.\n`;
    return `### Idle connections

Resident memory of the whole process, MB, with ${count(connections)} connections that have had one answer and say nothing more.
${note}
| proxy | without | with | bytes a connection | with ${count(WANTED)} | goal |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  });
}

function residentMbOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (readResidentMb(pid) ?? 0), 0);
}
