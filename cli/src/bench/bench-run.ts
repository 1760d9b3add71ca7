import { CommandError } from '../errors.ts';
import { askHealth } from '../system/ask-health.ts';
import type { Against } from './bench-plan.ts';
import type { Measured } from './in-turn.ts';

/** What a benchmark works with. */
export interface BenchContext {
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

export interface BenchOutcome {
  readonly measured: readonly Measured[];
  /** The name of the server that the others are compared with, where there is one. */
  readonly yardstick: string | undefined;
  /** What is counted per second: 'requests', 'rows'. */
  readonly unit: string;
  /** What a reader of the figures should know, a sentence each. */
  readonly notes: readonly string[];
}

/** @throws {CommandError} INTERRUPTED */
export function checkSignal({ signal }: Pick<BenchContext, 'signal'>): void {
  if (signal.aborted) throw new CommandError('INTERRUPTED', 'interrupted');
}

/**
 * The process of a server that runs already, where it can be found out.
 * @throws {CommandError} NO_HEALTH when its health page is named and does not answer
 */
export async function pidOf({ pid, http }: Against): Promise<number | undefined> {
  if (pid !== undefined || http === undefined) return pid;
  const answer = await askHealth(http.ip, http.port);
  if (answer.kind === 'health') return answer.health.pid;
  throw new CommandError('NO_HEALTH', `--http ${http.ip}:${http.port}: ${answer.why}`);
}

export function notesOnCpu(measured: readonly Measured[]): string[] {
  const unknown = measured.filter(({ rounds }) => rounds.some(({ cpuSeconds }) => cpuSeconds === undefined));
  if (unknown.length === 0) return [];
  const names = unknown.map(({ name }) => name).join(', ');
  if (process.platform !== 'linux') return [`CPU time is not available on ${process.platform}.`];
  return [`The CPU time of ${names} is not known: name its process with --pid or its health page with --http.`];
}

export function sumOf(measured: readonly Measured[], name: string): number {
  return measured.flatMap(({ rounds }) => rounds).reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0);
}
