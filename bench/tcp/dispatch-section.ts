import type { Contender } from '../../cli/src/bench/in-turn.ts';
import type { SectionContext } from '../section.ts';
import { ServerProcess } from '../server-process.ts';
import { type LoadShape, loadedContender, untilServed } from './load.ts';
import { type ComparedWork, compare, comparisonTable, withProcesses, withPrograms } from './measure.ts';
import { ratioChart } from './plots.ts';
import { processTree } from './process-tree.ts';
import type { TcpPrograms } from './programs.ts';
import { startWorkerServers, WORKERS, type WorkerServer } from './worker-servers.ts';

const ROUNDS = 5;
const SECONDS = 0.5;
const GOAL = 5;
const HEADING = '## TCP: connections handed to worker processes';
/** How long the first stint is, which does not count: the process that accepts does so little for each connection that its code is compiled late. */
const WARM_UP_SECONDS = 8;
const SHAPE: LoadShape = { mode: 'short', connections: 50, seconds: SECONDS };

/** Whose CPU time counts. */
const VIEWS: readonly {
  readonly name: string;
  readonly goal?: number;
  readonly pidOf: (server: WorkerServer) => Contender['pid'];
}[] = [
  { name: 'the process that accepts', goal: GOAL, pidOf: server => server.process.pid },
  { name: 'workers included', pidOf: server => server.pid },
];

/** What `lars dispatch` hands on per CPU second, against node:cluster. */
export function measureTcpDispatch({ folder, plot }: SectionContext): Promise<string> {
  return withPrograms(folder, HEADING, programs => measureViews(programs, folder, plot));
}

function measureViews(programs: TcpPrograms, folder: string, plot: SectionContext['plot']): Promise<string> {
  return withProcesses(async running => {
    const servers = await startWorkerServers(['roundRobin', 'dispatch', 'dispatchReactor'], folder);
    running.push(...servers.map(one => one.process));
    const floors = [await startFloor(programs, 'one', folder), await startFloor(programs, 'turn', folder)];
    running.push(...floors.map(one => one.process));
    for (const server of servers) await untilServed(programs.load, server);
    const works: ComparedWork[] = [];
    for (const { name, goal, pidOf } of VIEWS) {
      const contenders = [...servers, ...floors].map(one =>
        loadedContender(programs.load, { name: one.name, pid: pidOf(one) }, one, SHAPE, WARM_UP_SECONDS),
      );
      const summaries = await compare(contenders, ROUNDS);
      works.push({ name, summaries, goal: contender => (contender.startsWith('lars') ? goal : undefined) });
    }
    return describe(works, plot);
  });
}

const FLOORS = {
  one: 'C, accept and SCM_RIGHTS',
  turn: 'C, the same, one message a turn',
} as const;

/** What the kernel takes: a program in C that does nothing but accept and pass on, to workers in C. */
async function startFloor({ handOver }: TcpPrograms, kind: keyof typeof FLOORS, folder: string): Promise<WorkerServer> {
  const server = await ServerProcess.start(handOver, [String(WORKERS), kind], folder);
  return {
    name: FLOORS[kind],
    process: server,
    port: server.ready['port'] as number,
    get pid() {
      return processTree(server.pid);
    },
  };
}

function describe(works: readonly ComparedWork[], plot: SectionContext['plot']): string {
  const heading = { title: 'Connections handed to four worker processes', subtitle: 'Per CPU second, against node:cluster' };
  const file = plot('tcp-dispatch.svg', ratioChart(heading, 'node:cluster, round robin', works));
  return `Connections that are made, given to one of ${WORKERS} Node processes, asked once and closed, ${SHAPE.connections} at a time; per second of the CPU time of the process that accepts and
hands on, and of all processes. The workers are the same sockets of node:net in both. The programs in C show what is left to be had: they choose by turn, keep no account of workers, and their workers are in C too. Median of ${ROUNDS} rounds of ${SECONDS} s, all in turn; against node:cluster: median of the ratios within each round.

![Connections handed on](${file})

${comparisonTable(works, 'node:cluster')}`;
}
