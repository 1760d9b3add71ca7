import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Outcomes } from './caller-messages.ts';

/** The calls that stand in the databases of all reporters, also in those that were moved away, by `MODID/CMDID`. */
export function readStoredCalls(folder: string): ReadonlyMap<string, Outcomes> {
  const sums = new Map<string, Outcomes>();
  for (const name of readdirSync(folder)) {
    if (!/^calls-\d\.db(?:\.away-\d+)?$/.test(name)) continue;
    const database = new Database(path.join(folder, name), { readonly: true });
    try {
      const rows = database
        .prepare('SELECT modid, cmdid, sum(succ) AS succ, sum(err) AS err FROM CallHistory GROUP BY modid, cmdid')
        .all();
      for (const row of rows as readonly (Outcomes & { readonly modid: number; readonly cmdid: number })[]) {
        const key = `${row.modid}/${row.cmdid}`;
        const sum = sums.get(key) ?? { succ: 0, err: 0 };
        sums.set(key, { succ: sum.succ + row.succ, err: sum.err + row.err });
      }
    } finally {
      database.close();
    }
  }
  return sums;
}

/** A name that no file has yet. */
export function awayName(file: string): string {
  for (let number = 1; ; number++) {
    const name = `${file}.away-${number}`;
    if (!existsSync(name)) return name;
  }
}
