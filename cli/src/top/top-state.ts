// pure
/** What `lars top` shows and how it changes with each key. */
import type { ModuleSummary } from '@lars/agent';
import { formatModule, type ModuleId } from '@lars/proto';
import { severityOf } from '../output/module-why.ts';
import type { Key } from './keys.ts';

export type SortBy = 'trouble' | 'picks' | 'failed' | 'takes' | 'module';

/** The letter of each order. */
export const SORT_KEYS: Readonly<Record<string, SortBy>> = { t: 'trouble', p: 'picks', f: 'failed', l: 'takes', m: 'module' };

export interface TopState {
  readonly sortBy: SortBy;
  readonly isReversed: boolean;
  /** The module under the cursor, by its name: it stays when the order changes. Undefined: the first. */
  readonly selected: string | undefined;
  /** The module that is open; undefined while all are listed. */
  readonly open: ModuleId | undefined;
  /** Lines of the open module that are scrolled away. */
  readonly scroll: number;
}

export const FIRST_STATE: TopState = { sortBy: 'trouble', isReversed: false, selected: undefined, open: undefined, scroll: 0 };

/**
 * @param modules in the order in which they are shown
 * @param page how many lines the terminal has for them
 * @returns undefined when it is over
 */
export function afterKey(state: TopState, key: Key, modules: readonly ModuleSummary[], page: number): TopState | undefined {
  if (key === 'quit') return undefined;
  if (state.open !== undefined) return afterKeyInModule(state, key, page);
  if (typeof key === 'object') return afterLetter(state, key.letter);
  const at = selectedIndex(state, modules);
  if (key === 'enter') {
    const module = modules[at];
    return module === undefined ? state : { ...state, open: { modid: module.modid, cmdid: module.cmdid }, scroll: 0 };
  }
  const module = modules[Math.max(0, Math.min(modules.length - 1, at + moves(key, page)))];
  return module === undefined ? state : { ...state, selected: nameOf(module) };
}

function afterKeyInModule(state: TopState, key: Key, page: number): TopState {
  if (key === 'escape') return { ...state, open: undefined };
  return typeof key === 'object' ? state : { ...state, scroll: Math.max(0, state.scroll + moves(key, page)) };
}

function afterLetter(state: TopState, letter: string): TopState {
  if (letter === 'r') return { ...state, isReversed: !state.isReversed };
  const sortBy = SORT_KEYS[letter];
  return sortBy === undefined ? state : { ...state, sortBy, isReversed: false };
}

function moves(key: Exclude<Key, object>, page: number): number {
  const lines = { up: -1, down: 1, 'page-up': -page, 'page-down': page, home: -Infinity, end: Infinity } as const;
  return key in lines ? lines[key as keyof typeof lines] : 0;
}

export function selectedIndex({ selected }: TopState, modules: readonly ModuleSummary[]): number {
  return Math.max(
    0,
    modules.findIndex(module => nameOf(module) === selected),
  );
}

export function nameOf({ modid, cmdid }: ModuleId): string {
  return formatModule(modid, cmdid);
}

export function sorted(
  modules: readonly ModuleSummary[],
  { sortBy, isReversed }: Pick<TopState, 'sortBy' | 'isReversed'>,
): ModuleSummary[] {
  const order = [...modules].sort((a, b) => ORDERS[sortBy](a, b) || b.picksPerSec - a.picksPerSec || ORDERS.module(a, b));
  return isReversed ? order.reverse() : order;
}

const ORDERS: Readonly<Record<SortBy, (a: ModuleSummary, b: ModuleSummary) => number>> = {
  trouble: (a, b) => severityOf(b) - severityOf(a),
  picks: (a, b) => b.picksPerSec - a.picksPerSec,
  failed: (a, b) => (b.errorRate ?? 0) - (a.errorRate ?? 0),
  takes: (a, b) => (b.expectedMs ?? 0) - (a.expectedMs ?? 0),
  module: (a, b) => a.modid - b.modid || a.cmdid - b.cmdid,
};
