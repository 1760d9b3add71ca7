/**
 * What the removal guard keeps, in a file beside the database: it outlasts a restart of dnsserver, and a database that was replaced, cannot
 * be written or is gone; `lars route restore` reads it.
 */
import { rm } from 'node:fs/promises';
import { setImmediate as nextTick } from 'node:timers/promises';
import { isInt32, isPort, type RouteKey, routeKey } from '@lars/proto';
import { readCheckedFile, writeCheckedFile } from '@lars/runtime/durable-file';
import type { KeptRoutes } from './removal-guard.ts';
import type { RouteContent } from './route-table.ts';

const SLICE_MODULES = 1_000;
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
  const lines: Uint8Array[] = [Buffer.from(`${JSON.stringify({ sinceMs, total, returned, lastEdit })}\n`)];
  let slice: RouteContent[] = [];
  for (const route of modules.values()) {
    if (slice.push(route) < SLICE_MODULES) continue;
    lines.push(encodeLine(slice));
    slice = [];
    await nextTick();
  }
  lines.push(encodeLine(slice));
  await writeCheckedFile(path, KIND, lines, nowMs);
}

/**
 * @returns undefined where there is no such file
 * @throws {Error} naming the file, when it is not whole
 */
export async function readKept(path: string): Promise<StoredKept | undefined> {
  const file = await readCheckedFile(path, KIND);
  if (file === undefined) return undefined;
  if (!file.isWhole) throw new Error(`${path} ${file.why}`);
  const [head = '', ...lines] = new TextDecoder().decode(file.body).trimEnd().split('\n');
  const { sinceMs, total, returned, lastEdit } = JSON.parse(head);
  const modules = new Map<RouteKey, RouteContent>();
  for (const line of lines) {
    for (const route of JSON.parse(line) as readonly RouteContent[])
      if (isRoute(route)) modules.set(routeKey(route.modid, route.cmdid), route);
  }
  return { kept: { sinceMs, total, returned, modules }, lastEdit };
}

export async function removeKept(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** The modules of one slice; a large table must not block the thread while it is written. */
function encodeLine(routes: readonly RouteContent[]): Uint8Array {
  return Buffer.from(`${JSON.stringify(routes)}\n`);
}

function isRoute({ modid, cmdid, hosts }: RouteContent): boolean {
  return isInt32(modid) && isInt32(cmdid) && Array.isArray(hosts) && hosts.every(({ port }) => isPort(port));
}
