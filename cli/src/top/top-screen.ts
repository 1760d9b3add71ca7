// pure
/** The lines that `lars top` draws. */
import type { Health } from '@lars/runtime/http/health-server';
import { clipped } from '../output/fit.ts';
import { isLinked } from '../output/link-state.ts';
import { formatModules, formatPerSecond } from '../output/module-table.ts';
import type { ModulesWhy, ModuleWhy } from '../output/module-why.ts';
import { counted, formatDuration } from '../output/numbers.ts';
import { type Paint, visible } from '../output/table.ts';
import { whyText } from '../output/why-table.ts';
import { nameOf, selectedIndex, sorted, type TopState } from './top-state.ts';

export interface TopData {
  /** 'HOST:PORT' of the agent's HTTP server. */
  readonly address: string;
  readonly health: Health | undefined;
  readonly modules: ModulesWhy;
  /** Of the open module, when it has been asked for. */
  readonly why: ModuleWhy | undefined;
  /** Why what is shown is old; undefined while the agent answers. */
  readonly problem: string | undefined;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Lines above the modules, and below them. */
const HEAD_LINES = 4;
const FOOT_LINES = 1;
/** The longest that fits is shown. */
const LIST_KEYS = [
  'q quit  Enter open  sort: t trouble p picks f failed l takes m module  r reverse',
  'q quit  Enter open  sort: t p f l m  r reverse',
  'q quit  Enter open',
];
const MODULE_KEYS = 'q quit  Esc back  arrows scroll';

/** How many modules, or lines of one, have room. */
export function pageOf({ rows }: Size): number {
  return Math.max(1, rows - HEAD_LINES - FOOT_LINES);
}

/** As many lines as the terminal has, none longer than it is wide. */
export function topScreen(data: TopData, state: TopState, size: Size, paint: Paint, invert: (text: string) => string): string[] {
  const page = pageOf(size);
  const body =
    state.open === undefined
      ? listLines(data, state, { ...size, rows: page }, paint, invert)
      : moduleLines(data, state, size, paint);
  const blank = new Array<string>(Math.max(0, page - body.length + 1)).fill('');
  const foot = paint('dim', state.open === undefined ? (LIST_KEYS.find(keys => keys.length <= size.columns) ?? '') : MODULE_KEYS);
  const lines = [...headLines(data, paint), '', ...body, ...blank, foot];
  // A terminal that is too low shows the head.
  const shown = lines.length > size.rows ? lines.slice(0, size.rows) : lines;
  return shown.map(line => clipped(line, size.columns));
}

/** Two lines about the agent and all its modules. */
export function headLines({ address, health, modules, problem }: TopData, paint: Paint): [string, string] {
  const agent = health === undefined ? [] : [`up ${formatDuration(health.uptimeSeconds)}`, `version ${health.version}`];
  const details = health?.details ?? {};
  const links = ['dnsserver', 'reporter'].flatMap(name =>
    !isLinked(details[name]) ? [paint('red', `${name} not connected`)] : [],
  );
  const status = health === undefined ? [] : [health.status];
  const first = [paint('bold', 'lars top'), `agent ${address}`, ...status, ...links, ...agent.map(visible)];
  const trouble = modules.inTrouble === 0 ? '' : paint('yellow', ` (${modules.inTrouble} in trouble)`);
  const hosts = details['hosts'] === undefined ? [] : [`${details['hosts']} hosts, ${details['ejectedHosts'] ?? 0} ejected`];
  const second = [`${counted(modules.active, 'module')}${trouble}`, ...hosts, `${formatPerSecond(modules.picksPerSec)} picks/s`];
  return [first.join('  '), problem === undefined ? second.join('  ') : paint('red', visible(problem))];
}

function listLines(
  { modules }: TopData,
  state: TopState,
  { rows: page, columns }: Size,
  paint: Paint,
  invert: (text: string) => string,
): string[] {
  const order = sorted(modules.modules, state);
  const selected = selectedIndex(state, order);
  // The cursor is kept on the page.
  const first = Math.max(0, Math.min(selected - Math.floor(page / 2), order.length - page));
  const shown = order.slice(first, first + page);
  if (order.length === 0) return ['The agent has no module yet: nobody has asked for one.'];
  const [title = '', ...rows] = formatModules(shown, paint, columns - 1)
    .trimEnd()
    .split('\n');
  return [title, ...rows.map((row, i) => (first + i === selected ? invert(`${row} `) : row))];
}

function moduleLines({ why }: TopData, { open, scroll }: TopState, size: Size, paint: Paint): string[] {
  const name = open === undefined ? '' : `Module ${nameOf(open)}`;
  if (why === undefined) return [paint('bold', name), 'asking …'];
  const lines = whyText(why, paint, size.columns).trimEnd().split('\n');
  const page = pageOf(size);
  const from = Math.min(scroll, Math.max(0, lines.length - page));
  return [paint('bold', name), ...lines.slice(from, from + page)];
}
