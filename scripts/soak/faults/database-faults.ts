import { renameSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { below } from '../../../test/support/fuzz.ts';
import { awayName } from '../stored-calls.ts';
import { FAULT_MS, type Fault, type FaultWorld } from './fault.ts';

const LOCK_MS = 10_000;

export const DATABASE_FAULTS: readonly Fault[] = [
  {
    kind: 'lock-routes',
    text: 'the database of the routes locked by another process for 3 s',
    allowance: 'none',
    run: ({ system }) => lock(system.routesFile),
  },
  {
    kind: 'lock-calls',
    text: 'the database of a reporter locked by another process for 3 s',
    allowance: 'none',
    run: world => lock(someCallsFile(world)),
  },
  {
    kind: 'replace-routes',
    text: 'the database of the routes replaced by a copy of it',
    allowance: 'none',
    async run({ system }) {
      const copy = `${system.routesFile}.copy`;
      const database = new Database(system.routesFile);
      try {
        await database.backup(copy);
      } finally {
        database.close();
      }
      renameSync(copy, system.routesFile);
      for (const suffix of ['-wal', '-shm']) rmSync(`${copy}${suffix}`, { force: true });
      await sleep(FAULT_MS);
    },
  },
  {
    kind: 'move-calls',
    text: 'the database of a reporter moved away; it makes a new one',
    allowance: 'moved file',
    async run(world) {
      const file = someCallsFile(world);
      renameSync(file, awayName(file));
      await sleep(FAULT_MS);
    },
  },
];

async function lock(file: string): Promise<void> {
  const database = new Database(file, { timeout: LOCK_MS });
  try {
    database.exec('BEGIN EXCLUSIVE');
    await sleep(FAULT_MS);
    database.exec('ROLLBACK');
  } finally {
    database.close();
  }
}

/** Mostly that of the first reporter, which is the one in use. */
function someCallsFile({ system, random }: FaultWorld): string {
  return system.callsFiles[below(4, random) === 0 ? 1 : 0] as string;
}
