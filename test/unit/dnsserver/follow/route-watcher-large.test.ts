/** A change of very many modules at once. */
import { routeKey } from '@lars/proto';
import { expect, onTestFinished, test } from 'vitest';
import { openSql, tempFile, type Watched, watch } from '../route-world.ts';

const MODULES = 30_000;
/** So many that a slice is a fortieth of the work, and no phase of it is less than a tenth: a phase in one piece stands out on a busy machine, too. */
const MORE_MODULES = 90_000;

async function largeWorld(modules = MODULES): Promise<Watched & { exec(statements: string): void }> {
  const file = tempFile();
  const watched = await watch(file);
  onTestFinished(() => watched.close());
  const sql = openSql(file);
  sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${modules})
    INSERT INTO RouteData (modid, cmdid, serverip, serverport) SELECT i, 1, 167772160 + i, 80 FROM n`);
  await watched.watcher.poll();
  return { ...watched, exec: statements => void sql.exec(statements) };
}

const BY_HAND = 'UPDATE RouteData SET weight = weight + 1';
const ANNOUNCED = `BEGIN; UPDATE RouteVersion SET version = version + 1; ${BY_HAND};
  INSERT INTO RouteChange (modid, cmdid, version) SELECT modid, cmdid, (SELECT max(version) FROM RouteVersion) FROM RouteData; COMMIT`;

/** The thread's CPU time, ms: what others do on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** The part of the work's CPU time that its longest turn of the event loop takes: 1 when it is done in one piece. */
async function longestTurnShare(work: () => Promise<void>): Promise<number> {
  const began = cpuMs();
  let turnBegan = began;
  let longest = 0;
  const onTurn = () => {
    longest = Math.max(longest, cpuMs() - turnBegan);
    turnBegan = cpuMs();
    turn = setImmediate(onTurn);
  };
  let turn = setImmediate(onTurn);
  await work();
  clearImmediate(turn);
  return Math.max(longest, cpuMs() - turnBegan) / (cpuMs() - began);
}

test('is worked off in many short turns, by hand or announced', { timeout: 60_000 }, async () => {
  const { watcher, exec } = await largeWorld(MORE_MODULES);
  for (const statements of [BY_HAND, ANNOUNCED]) {
    // Of several times the best: a turn may have the garbage of others to collect.
    const shares: number[] = [];
    for (const _ of [1, 2, 3]) {
      exec(statements);
      shares.push(await longestTurnShare(() => watcher.poll()));
    }
    expect(Math.min(...shares), statements).toBeLessThan(0.07);
  }
});

test.each([
  ['by hand', BY_HAND],
  ['announced', ANNOUNCED],
])('%s, shows each module as it was or as it is, and the revision when all are as they are', async (_, statements) => {
  const { watcher, diffs, exec } = await largeWorld();
  const { revision } = watcher.status;
  const before = diffs.length;
  exec(statements);
  let between = 0;
  const look = () => {
    const weights = new Set<number>();
    for (const [, { hosts }] of watcher.routes.routes()) weights.add(hosts[0]?.weight ?? -1);
    if (weights.size === 2) {
      between += 1;
      expect([...weights].sort()).toEqual([0, 1]);
      expect(watcher.status.revision).toBe(revision);
    }
    turn = setImmediate(look);
  };
  let turn = setImmediate(look);
  await watcher.poll();
  clearImmediate(turn);
  expect(between).toBeGreaterThan(0);
  expect(watcher.status.revision).toBeGreaterThan(revision);
  const told = diffs.slice(before).flat();
  expect(new Set(told.map(({ modid, cmdid }) => routeKey(modid, cmdid))).size).toBe(MODULES);
  expect(told).toHaveLength(MODULES);
});
