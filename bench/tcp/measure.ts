/** What the sections about TCP do alike: contenders in turn, and rows of what they do per second of their CPU time. */
import type { Contender } from '../../cli/src/bench/in-turn.ts';
import { measureInTurn } from '../../cli/src/bench/in-turn.ts';
import { type Summary, summarize } from '../../cli/src/bench/summary.ts';
import type { ServerProcess } from '../server-process.ts';
import { compilePrograms, type TcpPrograms } from './programs.ts';

/** @returns the section, or a line in its place where the programs in C cannot be compiled */
export async function withPrograms(
  folder: string,
  heading: string,
  measure: (programs: TcpPrograms) => Promise<string>,
): Promise<string> {
  const programs = await compilePrograms(folder);
  if ('unavailable' in programs)
    return `${heading}\n\nNot measured, for want of the load generator in C: ${programs.unavailable}.\n`;
  return `${heading}\n\n${await measure(programs)}`;
}

/** Stops all that `work` has started, in the reverse order. */
export async function withProcesses<T>(work: (running: ServerProcess[]) => Promise<T>): Promise<T> {
  const running: ServerProcess[] = [];
  try {
    return await work(running);
  } finally {
    for (const one of running.toReversed()) await one.stop();
  }
}

/** @param yardstick picks the contender that the others are compared with, from what was measured */
export async function compare(
  contenders: readonly Contender[],
  rounds: number,
  yardstick: (summaries: readonly Summary[]) => string | undefined = () => contenders[0]?.name,
): Promise<readonly Summary[]> {
  const measured = await measureInTurn(contenders, { rounds, signal: new AbortController().signal });
  return summarize(measured, yardstick(summarize(measured)));
}

export interface ComparedWork {
  readonly name: string;
  readonly summaries: readonly Summary[];
  /** What the project wants. @returns undefined where it wants nothing of this contender */
  goal(contender: string): number | undefined;
}

export function comparisonTable(works: readonly ComparedWork[], against: string): string {
  const rows = works.flatMap(({ name, summaries, goal }) =>
    summaries.map(({ name: contender, perCpuSecond, ratio, perSecond, lost }) => {
      const cells = [
        count(perCpuSecond),
        ratio?.toFixed(2) ?? '',
        goal(contender)?.toFixed(2) ?? '',
        count(perSecond),
        String(lost),
      ];
      return `| ${name} | ${contender} | ${cells.join(' | ')} |`;
    }),
  );
  return `| work | server | per CPU second | against ${against} | goal | per second | lost |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

/** A number for people; nothing where it is not known. */
export function count(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : Math.round(value).toLocaleString('en');
}
