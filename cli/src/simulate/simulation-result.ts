// pure
import { formatCount, formatShare } from '../output/numbers.ts';
import { hostPart } from '../output/route-document.ts';
import { type Cell, type Column, formatTable, type Paint } from '../output/table.ts';
import type { SimulationEnd, SimulationPlan } from './run-simulation.ts';
import type { Tally } from './tally.ts';

/** The JSON document of a finished simulation. */
export function simulationDocument(plan: SimulationPlan, tally: Tally, end: SimulationEnd, seconds: number) {
  const { calls, failures, overloads, timeouts } = tally;
  return {
    modid: plan.modid,
    cmdid: plan.cmdid,
    end: end.kind,
    calls,
    failures,
    overloads,
    timeouts,
    seconds: Math.round(seconds * 1_000) / 1_000,
    callsPerSecond: perSecond(calls, seconds),
    seed: plan.seed,
    hosts: tally.hosts.map(({ host, ...counts }) => ({
      ...hostPart(host),
      ...counts,
      share: calls === 0 ? 0 : counts.calls / calls,
      failureRate: counts.calls === 0 ? 0 : counts.failures / counts.calls,
    })),
    ...(end.kind === 'failed' ? { error: { code: end.error.code, message: end.error.message } } : {}),
  };
}

const COLUMNS: readonly Column[] = [
  { title: 'host' },
  { title: 'calls', align: 'right' },
  { title: 'share', align: 'right' },
  { title: 'failures', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: 'calls/s', align: 'right' },
];

/** The text for people: a table of the hosts, the calls without a host, and the sum. */
export function simulationText(plan: SimulationPlan, tally: Tally, end: SimulationEnd, seconds: number, paint: Paint): string {
  const { calls, failures, overloads, timeouts } = tally;
  const row = (name: string, count: number, failed: number): Cell[] => [
    name,
    formatCount(count),
    formatShare(count, calls),
    formatCount(failed),
    formatShare(failed, count),
    formatCount(perSecond(count, seconds)),
  ];
  const noHost = (name: string, count: number): Cell[] => row(name, count, 0).with(3, '-').with(4, '-');
  const rows = [
    ...tally.hosts.map(host => row(host.host.authority, host.calls, host.failures)),
    noHost('OVERLOAD answers', overloads),
    ...(timeouts === 0 ? [] : [noHost('no answer in time', timeouts)]),
    row('all', calls, failures),
  ];
  const ending = end.kind === 'done' ? '' : `, ${end.kind} before all ${formatCount(plan.calls)} calls were made`;
  return `${formatTable(COLUMNS, rows, paint)}\n${formatCount(calls)} calls in ${seconds.toFixed(1)} s, seed ${plan.seed}${ending}\n`;
}

function perSecond(count: number, seconds: number): number {
  return seconds === 0 ? 0 : Math.round(count / seconds);
}
