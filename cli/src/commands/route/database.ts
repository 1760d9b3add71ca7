import type { RouteInspector } from '@lars/dnsserver';
import type { Command } from 'commander';
import { confFolder } from '../../system/conf-folder.ts';
import { type RouteDatabaseOptions, withRouteInspector } from '../../system/route-database.ts';
import type { GlobalOptions } from '../options.ts';

interface RouteOptions extends GlobalOptions {
  readonly db?: string;
  readonly create?: true;
}

/** The database that the options of `lars route` name. */
export function databaseOf(route: Command): RouteDatabaseOptions {
  const { db, create, confDir } = route.optsWithGlobals<RouteOptions>();
  return { given: db, folder: confFolder(confDir), create: create === true };
}

/** Runs `work` on that database, to read. */
export function inspectRoutes<T>(route: Command, work: (inspector: RouteInspector) => Promise<T>): Promise<T> {
  return withRouteInspector(databaseOf(route), work);
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
