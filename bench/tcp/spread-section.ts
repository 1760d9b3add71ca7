import type { Summary } from '../../cli/src/bench/summary.ts';
import type { SectionContext } from '../section.ts';
import { type LoadShape, loadedContender, untilServed } from './load.ts';
import { compare, withProcesses, withPrograms } from './measure.ts';
import { valueChart } from './plots.ts';
import type { TcpPrograms } from './programs.ts';
import { startWorkerServers, WORKERS } from './worker-servers.ts';

const ROUNDS = 5;
const SECONDS = 1.5;
const HEADING = '## TCP: how four workers share connections';
/** As many as may be open at the same time; the mixture itself stands in the load generator. */
const SHAPE: LoadShape = { mode: 'mixed', connections: 4_000, seconds: SECONDS, rate: 600, costMs: 20 };

/** How evenly workers have connections, and what short requests wait for beside slow ones. */
export function measureTcpSpread({ folder, plot }: SectionContext): Promise<string> {
  return withPrograms(folder, HEADING, programs => measureServers(programs, folder, plot));
}

function measureServers(programs: TcpPrograms, folder: string, plot: SectionContext['plot']): Promise<string> {
  return withProcesses(async running => {
    const servers = await startWorkerServers(['reusePort', 'shared', 'roundRobin', 'dispatch', 'reactor'], folder);
    running.push(...servers.map(one => one.process));
    for (const server of servers) await untilServed(programs.load, server);
    const contenders = servers.map(one => loadedContender(programs.load, one, one, SHAPE));
    return describe(await compare(contenders, ROUNDS), plot);
  });
}

function describe(summaries: readonly Summary[], plot: SectionContext['plot']): string {
  const unevenFile = plot(
    'tcp-spread.svg',
    valueChart(
      { title: 'Connections over four workers', subtitle: 'How far the fullest worker is above the mean' },
      'percent above the mean',
      summaries.map(one => ({ label: one.name, value: unevennessOf(one) })),
    ),
  );
  const waitFile = plot(
    'tcp-spread-latency.svg',
    valueChart(
      {
        title: 'Short requests beside slow ones',
        subtitle: `One request in 25 keeps its worker computing for ${SHAPE.costMs} ms`,
      },
      'p99, ms',
      summaries.map(one => ({ label: one.name, value: one.p99 })),
    ),
  );
  const rows = summaries.map(one => {
    const cells = [one.p50.toFixed(1), one.p99.toFixed(1), String(one.done), String(one.lost)];
    return `| ${one.name} | ${unevennessOf(one).toFixed(0)} % | ${cells.join(' | ')} |`;
  });
  return `${SHAPE.rate} connections a second come at random times to ${WORKERS} workers, the same sequence to each contender. One in five stays open, 0.4 s in the mean, after one request; one in 25
asks something that keeps its worker computing for ${SHAPE.costMs} ms; the others ask once and close. Unevenness: by how much the worker with the most open connections has more than the mean,
on average of all moments. Latency: of the short ones, from when they were due. ${ROUNDS} rounds of ${SECONDS} s, all in turn.

![Connections over four workers](${unevenFile})

![Short requests beside slow ones](${waitFile})

| server | fullest worker above the mean | p50, ms | p99, ms | short connections | lost |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function unevennessOf({ counts }: Summary): number {
  return (100 * (counts['spread'] ?? Number.NaN)) / (counts['rounds'] ?? 1);
}
