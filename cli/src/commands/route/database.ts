import type { EditResult } from '@lars/dnsserver';
import type { Command } from 'commander';
import { confFolder } from '../../system/conf-folder.ts';
import { withRouteEditor } from '../../system/route-database.ts';
import type { GlobalOptions } from '../options.ts';

interface RouteOptions extends GlobalOptions {
  readonly db?: string;
  readonly create?: true;
}

type Work<T> = Parameters<typeof withRouteEditor<T>>[1];

/** Runs `work` on the database that the options of `lars route` name. */
export function onDatabase<T>(route: Command, work: Work<T>): Promise<T> {
  const { db, create, confDir } = route.optsWithGlobals<RouteOptions>();
  return withRouteEditor({ given: db, folder: confFolder(confDir), create: create === true }, work);
}

/** '2 hosts added, 1 removed in 2 modules; revision 7' */
export function describeEdit({ added, updated, removed, modules, revision }: EditResult): string {
  const counts = [
    { count: added, what: 'added' },
    { count: updated, what: 'updated' },
    { count: removed, what: 'removed' },
  ].filter(({ count }) => count > 0);
  if (counts.length === 0) return `nothing to change; revision ${revision}\n`;
  const changes = counts.map(({ count, what }, index) => `${index === 0 ? plural(count, 'host') : count} ${what}`);
  return `${changes.join(', ')} in ${plural(modules, 'module')}; revision ${revision}\n`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
