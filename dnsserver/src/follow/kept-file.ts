/**
 * What the removal guard keeps, in a file beside the database: it outlasts a restart of dnsserver, and a database that was replaced, cannot
 * be written or is gone; `lars route restore` reads it.
 */
import { rm } from 'node:fs/promises';
import { setImmediate as nextTick } from 'node:timers/promises';
import { readCheckedFile, writeCheckedFile } from '@lars/runtime/durable-file';
import type { KeptRoutes } from './removal-guard.ts';
import { decodeRoutes, encodeRoutes } from './route-lines.ts';

const KIND = { name: 'kept-routes', version: 1 };

export interface StoredKept {
  readonly kept: KeptRoutes;
  /** The last row of the journal RouteEdit that was read before; a clear mark behind it confirms the table. */
  readonly lastEdit: number;
}

type Head = Omit<KeptRoutes, 'modules'> & Pick<StoredKept, 'lastEdit'>;

export function keptFileOf(database: string): string {
  return `${database}.kept`;
}

export async function writeKept(path: string, { kept, lastEdit }: StoredKept, nowMs: number): Promise<void> {
  const { sinceMs, total, returned, modules } = kept;
  const body = await encodeRoutes({ sinceMs, total, returned, lastEdit }, modules.values(), nextTick);
  await writeCheckedFile(path, KIND, body, nowMs);
}

/**
 * @returns undefined where there is no such file
 * @throws {Error} naming the file, when it is not whole
 */
export async function readKept(path: string): Promise<StoredKept | undefined> {
  const file = await readCheckedFile(path, KIND);
  if (file === undefined) return undefined;
  if (!file.isWhole) throw new Error(`${path} ${file.why}`);
  const { head, routes } = await decodeRoutes<Head>(file.body, nextTick);
  const { lastEdit, ...counts } = head;
  return { kept: { ...counts, modules: routes }, lastEdit };
}

export async function removeKept(path: string): Promise<void> {
  await rm(path, { force: true });
}
