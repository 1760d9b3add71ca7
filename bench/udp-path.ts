import { type Measured, measureInTurn } from '../cli/src/bench/in-turn.ts';
import { type Summary, summarize } from '../cli/src/bench/summary.ts';
import { ECHO, type Work, withUdpWorld } from './udp-world.ts';

const ROUNDS = 7;
const SECONDS = 1;
/** What does not count: each thread of an agent compiles its code anew, which an agent that runs for months does once. */
const WARM_UP_SECONDS = 3;
const WINDOW = 64;
const HOSTS = 5;
const MANY = 30;

const KINDS = [
  { algorithm: 'classic', transport: 'auto' },
  { algorithm: 'adaptive', transport: 'auto' },
  { algorithm: 'adaptive', transport: 'dgram' },
] as const;

interface Row extends Work {
  readonly name: string;
  /** What the project wants, against the echo. */
  readonly goals: { readonly classic: number; readonly adaptive: number };
}

const common = { window: WINDOW, seconds: SECONDS };
const ROWS: readonly Row[] = [
  { ...common, name: 'getHost', modules: 1, reports: false, goals: { classic: 0.85, adaptive: 0.85 } },
  { ...common, name: 'getHost, each followed by a report', modules: 1, reports: true, goals: { classic: 0.85, adaptive: 0.85 } },
  { ...common, name: `the same, ${MANY} modules`, modules: MANY, reports: true, goals: { classic: 0.75, adaptive: 0.75 } },
];

/** What agents and a bare echo in C answer per second of their CPU time. */
export function measureUdpPath(): Promise<string> {
  return withUdpWorld({ first: { modid: 1, cmdid: 1 }, modules: MANY, hosts: HOSTS }, KINDS, async world => {
    const { signal } = new AbortController();
    const contenders = ROWS.map(row => world.contenders(row));
    await measureInTurn(
      ROWS.flatMap(row => world.contenders({ ...row, seconds: WARM_UP_SECONDS })),
      { rounds: 0, signal },
    );
    const measured = await measureInTurn(contenders.flat(), { rounds: ROUNDS, signal });
    const each = contenders[0]?.length ?? 0;
    return describe(
      ROWS.flatMap((row, at) => rowsOf(row, measured.slice(at * each, (at + 1) * each))),
      world.note,
    );
  });
}

function rowsOf({ name, goals }: Row, measured: readonly Measured[]): string[] {
  return summarize(measured, ECHO).map(summary => {
    const { perCpuSecond = Number.NaN, perSecond, ratio, lost } = summary;
    const ratioText = ratio === undefined ? '' : ratio.toFixed(2);
    return `| ${name} | ${summary.name} | ${count(perCpuSecond)} | ${ratioText} | ${goalOf(summary, goals)} | ${count(perSecond)} | ${lost} |`;
  });
}

function goalOf({ name }: Summary, { classic, adaptive }: Row['goals']): string {
  if (!name.endsWith('mmsg')) return '';
  return (name.includes('classic') ? classic : adaptive).toFixed(2);
}

function describe(rows: readonly string[], note: string): string {
  return `## The UDP path

Answers per second of the server's CPU time, ${WINDOW} requests under way at a time on a socket, modules of ${HOSTS} hosts; ${MANY} modules lie on three
shards, each with a socket of its own, as has the echo. The yardstick is a bare recvmmsg/sendmmsg echo in C, which sends getHost back and takes
reports without an answer, so that a pair costs it what the kernel makes it cost: two datagrams in, one out. Median of ${ROUNDS} rounds of ${SECONDS} s, all
in turn, after ${WARM_UP_SECONDS} s of each load that do not count; against the echo: median of the ratios within each round.
${note}
| work | server | per CPU second | against the echo | goal | per second | lost |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
