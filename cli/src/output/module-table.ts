// pure
import type { ModuleSummary } from '@lars/agent';
import { formatModule } from '@lars/proto';
import { isInTrouble, type ModulesWhy, severityOf } from './module-why.ts';
import { counted, formatCount, formatMs, formatRate } from './numbers.ts';
import { type Cell, type Column, formatTable, type Paint } from './table.ts';

export const MODULE_COLUMNS: readonly Column[] = [
  { title: 'module' },
  { title: 'state' },
  { title: 'hosts', align: 'right' },
  { title: 'ejected', align: 'right' },
  { title: 'avoided', align: 'right' },
  { title: 'picks/s', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: 'takes', align: 'right' },
];

/** For `lars why` without a module: those in trouble, or that there are none. */
export function troubledModulesText(
  { active, picksPerSec, inTrouble, modules, missingShards }: ModulesWhy,
  paint: Paint,
): string {
  const picks = `${formatPerSecond(picksPerSec)} picks a second`;
  const missing = missingShards === undefined ? '' : `${counted(missingShards, 'shard')} of the agent did not answer in time.\n`;
  if (inTrouble === 0)
    return `${paint('green', 'No module is in trouble')} (${counted(active, 'module')}, ${picks}).\n${missing}`;
  const troubled = modules.filter(isInTrouble).sort((a, b) => severityOf(b) - severityOf(a) || b.picksPerSec - a.picksPerSec);
  const head = paint('yellow', `${inTrouble} of ${counted(active, 'module')} in trouble`);
  const cut = inTrouble > troubled.length ? `${inTrouble - troubled.length} more in trouble.\n` : '';
  const table = formatTable(MODULE_COLUMNS, troubled.map(moduleRow), paint);
  return `${head} (${picks}):\n\n${table}\n${cut}${missing}lars why MODID/CMDID says why.\n`;
}

export function moduleRow(module: ModuleSummary): Cell[] {
  const { modid, cmdid, hosts, ejected, avoided, picksPerSec, errorRate, expectedMs } = module;
  return [
    formatModule(modid, cmdid),
    moduleState(module),
    String(hosts),
    ejected === 0 ? '0' : { text: String(ejected), style: 'red' },
    avoided === 0 ? '0' : { text: String(avoided), style: 'yellow' },
    formatPerSecond(picksPerSec),
    errorRate === undefined ? '-' : formatRate(errorRate),
    expectedMs === undefined ? '-' : formatMs(expectedMs),
  ];
}

function moduleState(module: ModuleSummary): Cell {
  const { hosts, ejected, draining, isShedding, probation } = module;
  if (hosts > 0 && draining === hosts) return { text: 'all drain', style: 'red' };
  if (ejected > 0 && ejected + draining === hosts) return { text: 'all ejected', style: 'red' };
  if (isShedding) return { text: 'refuses calls', style: 'red' };
  if (ejected > 0) return { text: 'ejected', style: 'yellow' };
  if (probation > 0) return { text: 'probation', style: 'yellow' };
  return isInTrouble(module) ? { text: 'avoided', style: 'yellow' } : { text: 'healthy', style: 'green' };
}

export function formatPerSecond(perSecond: number): string {
  if (perSecond === 0) return '0';
  return perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}
