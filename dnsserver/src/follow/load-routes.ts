import { BEFORE_FIRST_ID, type RouteReader } from '../store/route-store.ts';
import type { ModuleId } from './route.ts';
import { type CollectedRoutes, RowCollector } from './row-collector.ts';

/** Gives the event loop a turn between two pages; throws when the reading is to be given up. */
export type Pause = () => Promise<void>;

const PAGE_ROWS = 5_000;
const PAGE_MODULES = 100;

/** Reads the whole table. */
export async function loadAll(reader: RouteReader, pause: Pause): Promise<CollectedRoutes> {
  const collector = new RowCollector();
  let after = BEFORE_FIRST_ID;
  for (;;) {
    const page = await reader.rowsAfter(after, PAGE_ROWS);
    for (const row of page) collector.add(row);
    if (page.length < PAGE_ROWS) return collector.collected();
    after = page.at(-1)?.id as number;
    await pause();
  }
}

/** Reads some modules. One that is missing from the result has no hosts. */
export async function loadModules(reader: RouteReader, modules: readonly ModuleId[], pause: Pause): Promise<CollectedRoutes> {
  const collector = new RowCollector();
  for (let at = 0; at < modules.length; at += PAGE_MODULES) {
    if (at > 0) await pause();
    const rows = await reader.rowsOf(modules.slice(at, at + PAGE_MODULES));
    for (const row of rows) collector.add(row);
  }
  return collector.collected();
}
