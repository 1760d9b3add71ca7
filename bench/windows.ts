import { measureInTurn } from '../cli/src/bench/in-turn.ts';
import { type Summary, summarize } from '../cli/src/bench/summary.ts';
import { type Curve, lineChart } from './plot/line-chart.ts';
import { linearScale, logScale } from './plot/scale.ts';
import type { SectionContext } from './section.ts';
import { withUdpWorld } from './udp-world.ts';

const ROUNDS = 5;
const SECONDS = 0.25;
const WINDOWS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const KINDS = [
  { algorithm: 'adaptive', transport: 'auto' },
  { algorithm: 'adaptive', transport: 'dgram' },
] as const;

/** The more requests come at once, the fewer system calls each of them costs. */
export function measureWindows({ plot }: Pick<SectionContext, 'plot'>): Promise<string> {
  return withUdpWorld({ first: { modid: 1, cmdid: 1 }, modules: 1, hosts: 5 }, KINDS, async world => {
    const works = WINDOWS.map(window => world.contenders({ modules: 1, window, reports: false, seconds: SECONDS }));
    const measured = await measureInTurn(works.flat(), { rounds: ROUNDS, signal: new AbortController().signal });
    const each = works[0]?.length ?? 0;
    const summaries = summarize(measured);
    const byWindow = WINDOWS.map((_, at) => summaries.slice(at * each, (at + 1) * each));
    const file = plot('throughput-by-window.svg', chartOf(byWindow));
    return `## Throughput against the window

getHost on one module: answers per second of the server's CPU time, by how many requests are under way at a time. Median of ${ROUNDS} rounds of ${SECONDS} s.
${world.note}
![Throughput against the window](${file})

| window | ${(byWindow[0] ?? []).map(({ name }) => name).join(' | ')} |
| --- |${' --- |'.repeat(each)}
${byWindow.map((row, at) => `| ${WINDOWS[at]} | ${row.map(({ perCpuSecond }) => count(perCpuSecond)).join(' | ')} |`).join('\n')}
`;
  });
}

function chartOf(byWindow: readonly (readonly Summary[])[]): string {
  const servers = byWindow[0] ?? [];
  const curves = servers.map(({ name }, server): Curve => {
    const points = byWindow.map((row, at): [number, number] => [WINDOWS[at] as number, row[server]?.perCpuSecond ?? 0]);
    return { label: name, colour: server, dashed: server === 0 && servers.length > KINDS.length, points };
  });
  const top = Math.ceil(Math.max(...curves.flatMap(({ points }) => points.map(([, y]) => y)), 1) / 50_000) * 50_000;
  const ticks = Array.from({ length: top / 50_000 + 1 }, (_, at) => at * 50_000);
  const x = {
    name: 'requests under way at a time',
    scale: (from: number, to: number) => logScale({ from: 1, to: 256 }, { from, to }, WINDOWS),
    format: String,
  };
  const y = {
    name: 'answers per CPU second',
    scale: (from: number, to: number) => linearScale({ from: 0, to: top }, { from, to }, ticks),
    format: (value: number) => `${value / 1_000} k`,
  };
  const heading = {
    title: 'getHost: throughput against the window',
    subtitle: "Answers per second of the server's own CPU time",
  };
  return lineChart(heading, x, y, undefined, curves);
}

function count(value: number | undefined): string {
  return value === undefined ? '-' : Math.round(value).toLocaleString('en');
}
