import { CommandError } from '../errors.ts';
import { type CpuReading, cpuSecondsBetween, readCpuTime } from './cpu-time.ts';
import type { LoadResult } from './load-result.ts';

/** A server under load. */
export interface Contender {
  readonly name: string;
  /** The process whose CPU time is taken, or several of them; undefined where it is not known, or runs on another machine. */
  readonly pid: number | readonly number[] | undefined;
  /** Called before each load: what it does is not measured. */
  prepare?(): Promise<void>;
  load(): Promise<LoadResult>;
}

export interface Round extends LoadResult {
  /** User and system time of the server's process; undefined where the system does not say. */
  readonly cpuSeconds: number | undefined;
}

export interface Measured {
  readonly name: string;
  readonly rounds: readonly Round[];
}

export interface InTurnOptions {
  /** How many rounds count. One more comes before them, to warm up. */
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

/**
 * Machines are noisy and change their speed while they are measured: in every round all contenders are measured, so that figures that
 * are compared come from the same minute.
 */
export async function measureInTurn(contenders: readonly Contender[], options: InTurnOptions): Promise<readonly Measured[]> {
  const measured = contenders.map(({ name }) => ({ name, rounds: [] as Round[] }));
  for (let round = 0; round <= options.rounds; round++) {
    for (const [at, contender] of contenders.entries()) {
      if (options.signal.aborted) throw new CommandError('INTERRUPTED', 'interrupted');
      options.onProgress?.(`round ${round} of ${options.rounds}: ${contender.name}`);
      const result = await measureOnce(contender);
      if (round > 0) measured[at]?.rounds.push(result);
    }
  }
  return measured;
}

async function measureOnce(contender: Contender): Promise<Round> {
  await contender.prepare?.();
  const pids = [contender.pid ?? []].flat();
  const before = pids.map(pid => readCpuTime(pid));
  const result = await contender.load();
  return { ...result, cpuSeconds: sumOfCpuSeconds(pids, before) };
}

/** Undefined where it is not known of each process. */
function sumOfCpuSeconds(pids: readonly number[], before: readonly (CpuReading | undefined)[]): number | undefined {
  const each = pids.map((pid, at) => cpuSecondsBetween(before[at], readCpuTime(pid)));
  return each.length === 0
    ? undefined
    : each.reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0);
}
