/**
 * What the removal guard keeps, in a file beside the database: it outlasts a restart of dnsserver, and a database that was replaced, cannot
 * be written or is gone; `lars route restore` reads it.
 */
import { rm } from 'node:fs/promises';
import { isInt32, isPort, routeKey } from '@lars/proto';
import { readCheckedFile, writeCheckedFile } from '@lars/runtime/durable-file';
import type { KeptRoutes } from './removal-guard.ts';
import type { RouteContent } from './route-table.ts';

const KIND = { name: 'kept-routes', version: 1 };

export interface StoredKept {
  readonly kept: KeptRoutes;
  /** The last row of the journal RouteEdit that was read before; a clear mark behind it confirms the table. */
  readonly lastEdit: number;
}

export function keptFileOf(database: string): string {
  return `${database}.kept`;
}

export async function writeKept(path: string, { kept, lastEdit }: StoredKept, nowMs: number): Promise<void> {
  const { sinceMs, total, returned, modules } = kept;
  const body = JSON.stringify({ sinceMs, total, returned, lastEdit, modules: [...modules.values()] });
  await writeCheckedFile(path, KIND, new TextEncoder().encode(body), nowMs);
}

/**
 * @returns undefined where there is no such file
 * @throws {Error} naming the file, when it is not whole
 */
export async function readKept(path: string): Promise<StoredKept | undefined> {
  const file = await readCheckedFile(path, KIND);
  if (file === undefined) return undefined;
  if (!file.isWhole) throw new Error(`${path} ${file.why}`);
  const { sinceMs, total, returned, lastEdit, modules } = JSON.parse(new TextDecoder().decode(file.body));
  const routes = (modules as readonly RouteContent[]).filter(isRoute);
  const byKey = new Map(routes.map(route => [routeKey(route.modid, route.cmdid), route]));
  return { kept: { sinceMs, total, returned, modules: byKey }, lastEdit };
}

export async function removeKept(path: string): Promise<void> {
  await rm(path, { force: true });
}

function isRoute({ modid, cmdid, hosts }: RouteContent): boolean {
  return isInt32(modid) && isInt32(cmdid) && Array.isArray(hosts) && hosts.every(({ port }) => isPort(port));
}
