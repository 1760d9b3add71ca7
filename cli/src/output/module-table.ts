// pure
import type { ModuleSummary } from '@lars/agent';
import { formatModule } from '@lars/proto';
import { isInTrouble, type ModulesWhy, severityOf } from './module-why.ts';
import { counted, formatCount, formatMs, formatRate } from './numbers.ts';
import { type Cell, type Column, formatTable, type Paint, type Style, widestLine } from './table.ts';

interface ModuleColumn extends Column {
  /** Columns with the highest number are left out first where the terminal is narrow. */
  readonly rank: number;
  cell(module: ModuleSummary): Cell;
}

const right = 'right';
const COLUMNS: readonly ModuleColumn[] = [
  { title: 'module', rank: 0, cell: ({ modid, cmdid }) => formatModule(modid, cmdid) },
  { title: 'state', rank: 0, cell: moduleState },
  { title: 'hosts', align: right, rank: 1, cell: ({ hosts }) => String(hosts) },
  { title: 'ejected', align: right, rank: 2, cell: ({ ejected }) => countCell(ejected, 'red') },
  { title: 'avoided', align: right, rank: 3, cell: ({ avoided }) => countCell(avoided, 'yellow') },
  { title: 'picks/s', align: right, rank: 0, cell: ({ picksPerSec }) => formatPerSecond(picksPerSec) },
  { title: 'failed', align: right, rank: 0, cell: ({ errorRate }) => (errorRate === undefined ? '-' : formatRate(errorRate)) },
  { title: 'takes', align: right, rank: 0, cell: ({ expectedMs }) => (expectedMs === undefined ? '-' : formatMs(expectedMs)) },
];

/** One line a module. @param width of the terminal: columns are left out where it is too narrow */
export function formatModules(modules: readonly ModuleSummary[], paint: Paint, width = Number.POSITIVE_INFINITY): string {
  const table = (columns: readonly ModuleColumn[], style: Paint) =>
    formatTable(
      columns,
      modules.map(module => columns.map(column => column.cell(module))),
      style,
    );
  let columns = COLUMNS;
  for (let rank = 3; rank > 0 && widestLine(table(columns, (_, text) => text)) > width; rank--)
    columns = columns.filter(column => column.rank !== rank);
  return table(columns, paint);
}

function countCell(count: number, style: Style): Cell {
  return count === 0 ? '0' : { text: String(count), style };
}

/** For `lars why` without a module: those in trouble, or that there are none. */
export function troubledModulesText(
  { active, picksPerSec, inTrouble, modules, missingShards }: ModulesWhy,
  paint: Paint,
  width?: number,
): string {
  const picks = `${formatPerSecond(picksPerSec)} picks a second`;
  const missing = missingShards === undefined ? '' : `${counted(missingShards, 'shard')} of the agent did not answer in time.\n`;
  if (inTrouble === 0)
    return `${paint('green', 'No module is in trouble')} (${counted(active, 'module')}, ${picks}).\n${missing}`;
  const troubled = modules.filter(isInTrouble).sort((a, b) => severityOf(b) - severityOf(a) || b.picksPerSec - a.picksPerSec);
  const head = paint('yellow', `${inTrouble} of ${counted(active, 'module')} in trouble`);
  const cut = inTrouble > troubled.length ? `${inTrouble - troubled.length} more in trouble.\n` : '';
  const table = formatModules(troubled, paint, width);
  return `${head} (${picks}):\n\n${table}\n${cut}${missing}lars why MODID/CMDID says why.\n`;
}

function moduleState(module: ModuleSummary): Cell {
  const { hosts, ejected, draining, isShedding, isErring, probation } = module;
  if (hosts > 0 && draining === hosts) return { text: 'all drain', style: 'red' };
  if (ejected > 0 && ejected + draining === hosts) return { text: 'all ejected', style: 'red' };
  if (isShedding) return { text: 'refuses calls', style: 'red' };
  if (isErring) return { text: 'calls fail', style: 'red' };
  if (ejected > 0) return { text: 'ejected', style: 'yellow' };
  if (probation > 0) return { text: 'probation', style: 'yellow' };
  return isInTrouble(module) ? { text: 'avoided', style: 'yellow' } : { text: 'healthy', style: 'green' };
}

export function formatPerSecond(perSecond: number): string {
  if (perSecond === 0) return '0';
  return perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}
