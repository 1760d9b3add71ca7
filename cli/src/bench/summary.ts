// pure
import type { Measured, Round } from './in-turn.ts';
import { addCounts, mergeLatencies } from './load-result.ts';
import { median } from './median.ts';

/** The figures of a contender: medians of its rounds, and sums over all of them. */
export interface Summary {
  readonly name: string;
  readonly perSecond: number;
  /** Undefined where the CPU time is not known. */
  readonly perCpuSecond: number | undefined;
  /** The same against the yardstick: the median of the ratios within each round. */
  readonly ratio: number | undefined;
  readonly done: number;
  readonly lost: number;
  /** Latency, ms. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** @param yardstick the name of the contender that the others are compared with, if it is there */
export function summarize(measured: readonly Measured[], yardstick?: string): readonly Summary[] {
  const reference = measured.find(({ name }) => name === yardstick);
  return measured.map(one => summaryOf(one, one === reference ? undefined : reference));
}

function summaryOf({ name, rounds }: Measured, reference: Measured | undefined): Summary {
  const latency = mergeLatencies(rounds.map(round => round.latency));
  return {
    name,
    perSecond: median(rounds.map(({ done, seconds }) => done / seconds)),
    perCpuSecond: medianOfKnown(rounds.map(perCpuSecond)),
    ratio: reference && medianOfKnown(rounds.map((round, at) => ratioOf(round, reference.rounds[at]))),
    done: rounds.reduce((sum, { done }) => sum + done, 0),
    lost: rounds.reduce((sum, { lost }) => sum + lost, 0),
    p50: latency.quantile(0.5),
    p99: latency.quantile(0.99),
    p999: latency.quantile(0.999),
    counts: rounds.map(({ counts }) => counts).reduce(addCounts, {}),
  };
}

function perCpuSecond({ done, cpuSeconds }: Round): number | undefined {
  return cpuSeconds === undefined || cpuSeconds === 0 ? undefined : done / cpuSeconds;
}

function ratioOf(round: Round, reference: Round | undefined): number | undefined {
  const [one, other] = [perCpuSecond(round), reference && perCpuSecond(reference)];
  return one === undefined || other === undefined ? undefined : one / other;
}

function medianOfKnown(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter(value => value !== undefined);
  return known.length === values.length && known.length > 0 ? median(known) : undefined;
}
