// pure
import { formatCount } from '../output/numbers.ts';
import { type Cell, type Column, formatTable, type Paint } from '../output/table.ts';
import type { BenchPlan } from './bench-plan.ts';
import type { BenchOutcome } from './bench-run.ts';
import { type Summary, summarize } from './summary.ts';

/** The JSON document of a benchmark: the plan, and the medians and rounds of each server. */
export function benchDocument(plan: BenchPlan, { measured, yardstick, unit, notes }: BenchOutcome) {
  const { kind, layout, stint, against, ...options } = plan;
  const servers = summarize(measured, yardstick).map(({ p50, p99, p999, ...summary }, at) => ({
    ...rounded(summary),
    latencyMs: { p50, p99, p999 },
    rounds: measured[at]?.rounds.map(({ done, seconds, cpuSeconds, lost }) => ({ done, seconds, cpuSeconds, lost })),
  }));
  const place = against === undefined ? {} : { against: `${against.ip}:${against.ports.join(',')}` };
  const { first, modules, hosts } = layout;
  return {
    bench: kind,
    ...place,
    ...options,
    ...stint,
    first: `${first.modid}/${first.cmdid}`,
    modules,
    hosts,
    unit,
    yardstick,
    servers,
    notes,
  };
}

function rounded({ perSecond, perCpuSecond, ...summary }: Omit<Summary, 'p50' | 'p99' | 'p999'>) {
  return { ...summary, perSecond: Math.round(perSecond), perCpuSecond: perCpuSecond && Math.round(perCpuSecond) };
}

/** The text for people: a table of the servers, under a line with the plan. */
export function benchText(plan: BenchPlan, outcome: BenchOutcome, paint: Paint): string {
  const { measured, yardstick, unit, notes } = outcome;
  const columns: Column[] = ['server', `${unit}/s`, 'per server CPU-s', `of ${yardstick}`, 'p50', 'p99', 'p99.9', 'lost'].map(
    (title, at) => ({ title, align: at === 0 ? 'left' : 'right' }),
  );
  const rows = summarize(measured, yardstick).map(rowOf);
  const shown = <T>(cells: readonly T[]): T[] => cells.filter((_, at) => yardstick !== undefined || at !== RATIO_COLUMN);
  const table = formatTable(shown(columns), rows.map(shown), paint);
  return `${headline(plan)}\n\n${table}${notes.map(note => `\n${note}\n`).join('')}`;
}

const RATIO_COLUMN = 3;

function rowOf({ name, perSecond, perCpuSecond, ratio, p50, p99, p999, lost }: Summary): Cell[] {
  return [
    name,
    formatCount(Math.round(perSecond)),
    perCpuSecond === undefined ? '-' : formatCount(Math.round(perCpuSecond)),
    ratio === undefined ? '-' : ratio.toFixed(2),
    ...[p50, p99, p999].map(formatLatency),
    formatCount(lost),
  ];
}

/** 0.0456 → '45.6 µs', 12.34 → '12.3 ms' */
export function formatLatency(ms: number): string {
  if (Number.isNaN(ms)) return '-';
  return ms < 1 ? `${(ms * 1_000).toFixed(1)} µs` : `${ms.toFixed(1)} ms`;
}

function headline(plan: BenchPlan): string {
  const { modules, hosts } = plan.layout;
  const served = `${counted(modules, 'module')} of ${counted(hosts, 'host')}`;
  const known = plan.against === undefined || plan.kind === 'reporter' ? served : counted(modules, 'module');
  return `lars bench ${plan.kind}: ${[known, ...loadOf(plan)].join(', ')}`;
}

function loadOf(plan: BenchPlan): string[] {
  if (plan.kind !== 'agent') return [`${counted(plan.connections, 'connection')} × window ${plan.window}`];
  const sockets = `${counted(plan.sockets, 'socket')} a port × window ${plan.window}`;
  const algorithm = plan.against === undefined ? [`${plan.algorithm} balancing`] : [];
  return [sockets, ...algorithm, plan.reports ? 'each answer followed by a report' : 'without reports'];
}

function counted(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
