// pure
import type { Figures } from './round-result.ts';

/** What a fault may cost by the docs; nothing where it says nothing. */
export type Allowance = 'none' | 'killed agent' | 'stopped agent' | 'moved file';

/** What a process takes of its machine. */
export interface Footprint {
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** What a fault may cost at most. */
export interface Bounds {
  /** No module is without a host for longer, milliseconds. */
  readonly outageMs: number;
  /** All services say within this time that they are well, milliseconds. */
  readonly recoveryMs: number;
  /** Results that an agent which is killed takes along. */
  readonly lostWithAgent: number;
  /** Results that an agent had read when it ended, and which their callers take for refused. */
  readonly doubledByEnd: number;
  /** Results that stand in a file that is moved away and in the one after it. */
  readonly doubledByMove: number;
  readonly growthFactor: number;
  readonly growthBytes: number;
  readonly growthDescriptors: number;
}

/** What the figures of one round, whose fault may cost so much, break. Nothing: all promises are kept. */
export function brokenByRound(figures: Figures, allowance: Allowance, bounds: Bounds): string[] {
  const { noHost, longestOutageMs, longestRecoveryMs, lost, doubled } = figures;
  const broken: string[] = [];
  for (const [code, count] of Object.entries(noHost)) broken.push(`${count} calls had no host: ${code}`);
  if (longestOutageMs > bounds.outageMs)
    broken.push(`a module had no host for ${seconds(longestOutageMs)}, at most ${seconds(bounds.outageMs)}`);
  if (longestRecoveryMs === undefined) broken.push(`not all services were well after ${seconds(bounds.recoveryMs)}`);
  const mayLose = allowance === 'killed agent' ? bounds.lostWithAgent : 0;
  const mayDouble = {
    none: 0,
    'killed agent': bounds.doubledByEnd,
    'stopped agent': bounds.doubledByEnd,
    'moved file': bounds.doubledByMove,
  }[allowance];
  if (lost > mayLose) broken.push(`${lost} results lost, at most ${mayLose}`);
  if (doubled > mayDouble) broken.push(`${doubled} results counted twice, at most ${mayDouble}`);
  return broken;
}

/** What a process has grown too much by from the first footprint to the second one. */
export function brokenByGrowth(begin: Footprint | undefined, end: Footprint | undefined, bounds: Bounds): string[] {
  if (begin === undefined || end === undefined) return [];
  const broken: string[] = [];
  const mayReside = begin.residentBytes * bounds.growthFactor + bounds.growthBytes;
  if (end.residentBytes > mayReside)
    broken.push(`memory grew from ${mebibytes(begin.residentBytes)} to ${mebibytes(end.residentBytes)} MiB`);
  if (end.descriptors > begin.descriptors + bounds.growthDescriptors)
    broken.push(`descriptors grew from ${begin.descriptors} to ${end.descriptors}`);
  return broken;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
