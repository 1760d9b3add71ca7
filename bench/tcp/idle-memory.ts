import { setTimeout as sleep } from 'node:timers/promises';
import { readResidentMb } from '../../cli/src/bench/cpu-time.ts';
import type { ServerProcess } from '../server-process.ts';
import { LARS_PROXY } from './lars-proxy.ts';
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
      const target = { port: ports[ROUTES.echo] as number };
      const half = Math.round(connections / 2);
      const without = residentMbOf(pid);
      const [some, all] = await withIdleConnections(programs.load, target, half, async () => {
        const first = await settledMbOf(pid);
        return [first, await withIdleConnections(programs.load, target, connections - half, () => settledMbOf(pid))] as const;
      });
      const bytes = ((all - some) * 1e6) / (connections - half);
      const goal = name === LARS_PROXY ? String(GOAL_MB) : '';
      const atWanted = all + (bytes * (WANTED - connections)) / 1e6;
      rows.push(`| ${name} | ${without.toFixed(0)} | ${all.toFixed(0)} | ${count(bytes)} | ${atWanted.toFixed(0)} | ${goal} |`);
    }
    const note =
      connections === WANTED
        ? ''
        : `A process may open ${count(openFilesLimit())} files here, and each connection takes two: the figures for ${count(WANTED)} are reckoned from ${count(connections)}.\n`;
    return `### Idle connections

Resident memory of the whole process, MB, with ${count(connections)} connections that have had one answer and say nothing more. What a connection takes is what the second half
of them adds: some memory is taken once, however many there are.
${note}
| proxy | without | with | bytes a connection | with ${count(WANTED)} | goal |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  });
}

async function settledMbOf(pids: readonly number[]): Promise<number> {
  await sleep(SETTLE_MS);
  return residentMbOf(pids);
}

function residentMbOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (readResidentMb(pid) ?? 0), 0);
}
