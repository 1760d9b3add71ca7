// pure
/** How the tables of routes show the hosts that get no new calls. */
import type { Cell, Column } from './table.ts';

export const DRAIN_COLUMN: Column = { title: 'drain' };

export function drainCell({ drain }: { readonly drain: boolean }): Cell {
  return drain ? { text: 'yes', style: 'yellow' } : '';
}
