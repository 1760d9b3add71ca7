import type { SectionContext } from '../section.ts';
import { type LoadShape, loadedContender, untilServed } from './load.ts';
import { type ComparedWork, compare, comparisonTable, withProcesses, withPrograms } from './measure.ts';
import { ratioChart } from './plots.ts';
import { startCServer, type TcpPrograms } from './programs.ts';
import { startWorkerServers, WORKERS } from './worker-servers.ts';

const ROUNDS = 5;
const SECONDS = 1;
/** Each of four threads compiles its code anew, and each part when that thread has served so much: until then a server is not what it is for the rest of its life. */
const WARM_UP_SECONDS = 12;
const YARDSTICK = `C, ${WORKERS} epoll threads`;
const HEADING = '## TCP: reactor threads against C';

interface Work {
  readonly name: string;
  readonly shape: LoadShape;
  readonly goal: number;
}

const WORKS: readonly Work[] = [
  { name: 'connections', shape: { mode: 'short', connections: 100, seconds: SECONDS }, goal: 0.85 },
  { name: 'round trips, 100 connections', shape: { mode: 'echo', connections: 100, seconds: SECONDS }, goal: 0.9 },
];

/** What a server of four reactor threads does per CPU second, and what the same in C does. */
export function measureTcpReactor({ folder, plot }: SectionContext): Promise<string> {
  return withPrograms(folder, HEADING, programs => measureWorks(programs, folder, plot));
}

function measureWorks(programs: TcpPrograms, folder: string, plot: SectionContext['plot']): Promise<string> {
  return withProcesses(async running => {
    const yardstick = await startCServer(programs.server, WORKERS, 'echo', folder);
    const servers = await startWorkerServers(['reactor', 'plain', 'roundRobin'], folder);
    running.push(yardstick.process, ...servers.map(one => one.process));
    const all = [{ name: YARDSTICK, pid: yardstick.process.pid, port: yardstick.port }, ...servers];
    for (const one of all) await untilServed(programs.load, one);
    const works: ComparedWork[] = [];
    for (const { name, shape, goal } of WORKS) {
      const summaries = await compare(
        all.map(one => loadedContender(programs.load, one, one, shape, WARM_UP_SECONDS)),
        ROUNDS,
      );
      works.push({ name, summaries, goal: contender => (contender.startsWith('reactor') ? goal : undefined) });
    }
    return describe(works, plot);
  });
}

function describe(works: readonly ComparedWork[], plot: SectionContext['plot']): string {
  const heading = {
    title: 'Servers that answer 64 bytes, against C',
    subtitle: 'Per second of the CPU time of all their processes and threads',
  };
  const file = plot('tcp-reactor.svg', ratioChart(heading, YARDSTICK, works));
  return `A server that sends 64 bytes back, by what it is made of; per second of the CPU time of all its processes and threads. Connections: 100 at a time, each made, asked
once and closed. The load generator is C. Median of ${ROUNDS} rounds of ${SECONDS} s, all in turn, after ${WARM_UP_SECONDS} s of the same load on each, in which the threads
of Node.js compile what they run most; against C: median of the ratios within each round.

![Servers against C](${file})

${comparisonTable(works, 'C')}`;
}
