import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadedContender, withIdleConnections } from '../../../bench/tcp/load.ts';
import { comparisonTable } from '../../../bench/tcp/measure.ts';
import { ratioChart, valueChart } from '../../../bench/tcp/plots.ts';
import { processTree } from '../../../bench/tcp/process-tree.ts';
import { compilePrograms, startCServer } from '../../../bench/tcp/programs.ts';
import { type Contender, measureInTurn } from '../../../cli/src/bench/in-turn.ts';
import { LatencyHistogram } from '../../../cli/src/bench/latency-histogram.ts';
import { summarize } from '../../../cli/src/bench/summary.ts';

const { signal } = new AbortController();

/** Computes for a while in this process, and counts one. */
function busy(name: string, pid: Contender['pid'], prepare?: () => Promise<void>): Contender {
  const load = async () => {
    const untilMs = performance.now() + 30;
    while (performance.now() < untilMs);
    return { done: 1, seconds: 0.03, lost: 0, latency: new LatencyHistogram(), counts: {} };
  };
  return { name, pid, load, ...(prepare && { prepare }) };
}

test('the CPU time of several processes is added up, and what is prepared is not measured', async () => {
  const idle = spawn('sleep', ['60']);
  onTestFinished(() => void idle.kill());
  const prepared: string[] = [];
  const prepare = async () => {
    prepared.push('once');
    const untilMs = performance.now() + 300;
    while (performance.now() < untilMs);
  };
  const [one, twice, unknown] = await measureInTurn(
    [
      busy('one', [process.pid, idle.pid as number], prepare),
      busy('twice', [process.pid, process.pid]),
      busy('unknown', [process.pid, 2 ** 22 + 1]),
    ],
    { rounds: 1, signal },
  );
  expect(prepared).toHaveLength(2);
  expect(one?.rounds[0]?.cpuSeconds).toBeGreaterThan(0);
  expect(one?.rounds[0]?.cpuSeconds).toBeLessThan(0.2);
  expect(twice?.rounds[0]?.cpuSeconds).toBeGreaterThan(0);
  expect(unknown?.rounds[0]?.cpuSeconds).toBeUndefined();
});

test('a process has those as its tree that it has started', async () => {
  const shell = spawn('sh', ['-c', 'sleep 60 & echo $!; wait']);
  const [line] = (await once(shell.stdout, 'data')) as [Buffer];
  const child = Number(line);
  onTestFinished(() => {
    process.kill(child);
    shell.kill();
  });
  expect(processTree(shell.pid as number)).toEqual([shell.pid, child]);
});

test('tables and plots show ratios to the yardstick, and goals where there are some', async () => {
  const measured = (name: string, done: number) => ({
    name,
    rounds: [{ done, seconds: 1, lost: 0, cpuSeconds: 1, latency: new LatencyHistogram(), counts: {} }],
  });
  const summaries = summarize([measured('C', 1_000), measured('ours', 850)], 'C');
  const works = [{ name: 'work', summaries, goal: (name: string) => (name === 'ours' ? 0.9 : undefined) }];
  expect(comparisonTable(works, 'C')).toContain(
    '| work | C | 1,000 |  |  | 1,000 | 0 |\n| work | ours | 850 | 0.85 | 0.90 | 850 | 0 |',
  );
  const heading = { title: 'A title', subtitle: 'Under it' };
  // One of them is in the legend.
  expect(ratioChart(heading, 'C', works).match(/<circle/g)).toHaveLength(2);
  expect(
    valueChart(heading, 'ms', [
      { label: 'a', value: 3 },
      { label: 'b', value: 1 },
    ]).match(/<circle/g),
  ).toHaveLength(3);
});

test('the load generator loads a server in C in every way, where it can be compiled', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tcp-bench-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const programs = await compilePrograms(folder);
  if ('unavailable' in programs) {
    expect(programs.unavailable).toMatch(/no C compiler|epoll/);
    return;
  }
  const [echo, sink] = [
    await startCServer(programs.server, 2, 'echo', folder),
    await startCServer(programs.server, 1, 'sink', folder),
  ];
  onTestFinished(async () => {
    await echo.process.stop();
    await sink.process.stop();
  });
  const contender = (mode: 'echo' | 'short' | 'paced' | 'mixed' | 'bulk') =>
    loadedContender(
      programs.load,
      { name: mode, pid: echo.process.pid },
      mode === 'bulk' ? sink : echo,
      { mode, connections: mode === 'mixed' ? 500 : 5, seconds: 0.1, rate: 400 },
      0,
    );
  const modes = ['echo', 'short', 'paced', 'mixed', 'bulk'] as const;
  for (const { name, done, lost } of summarize(await measureInTurn(modes.map(contender), { rounds: 1, signal }))) {
    expect(done, name).toBeGreaterThan(0);
    expect(lost, name).toBe(0);
  }
  expect(await withIdleConnections(programs.load, echo, 20, async () => 'held')).toBe('held');
});
