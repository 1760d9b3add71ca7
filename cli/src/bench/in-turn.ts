import { CommandError } from '../errors.ts';
import { cpuSecondsBetween, readCpuTime } from './cpu-time.ts';
import type { LoadResult } from './load-result.ts';

/** A server under load. */
export interface Contender {
  readonly name: string;
  /** Whose CPU time is taken; undefined when it is not known, or the server runs on another machine. */
  readonly pid: number | undefined;
  load(): Promise<LoadResult>;
}

export interface Round extends LoadResult {
  /** User and system time of the server's process; undefined when the system does not tell. */
  readonly cpuSeconds: number | undefined;
}

export interface Measured {
  readonly name: string;
  readonly rounds: readonly Round[];
}

export interface InTurnOptions {
  /** Besides the first one, which warms up and does not count. */
  readonly rounds: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

/**
 * Machines are noisy and change their speed while they are measured: in every round all contenders have their turn, so that what is
 * compared was measured side by side.
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

async function measureOnce({ pid, load }: Contender): Promise<Round> {
  const before = pid === undefined ? undefined : readCpuTime(pid);
  const result = await load();
  const after = pid === undefined ? undefined : readCpuTime(pid);
  return { ...result, cpuSeconds: cpuSecondsBetween(before, after) };
}
