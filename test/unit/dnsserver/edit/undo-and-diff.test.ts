import { formatHost } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import type { Differences } from '../../../../dnsserver/src/edit/differences.ts';
import { UndoConflict } from '../../../../dnsserver/src/edit/plan-undo.ts';
import { brief, historyWorld } from '../history/history-world.ts';
import { INSERT_ROW } from '../route-world.ts';

const A = { host: '10.0.0.1:80', weight: 7, zone: 'eu' };
const B = { host: '10.0.0.2:80' };

/** '+1/1 10.0.0.1:80' */
function lines({ hosts }: Differences): string[] {
  return hosts.map(({ modid, cmdid, before, after }) => {
    const host = after ?? before;
    const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
    return `${sign}${modid}/${cmdid} ${host === undefined ? '' : formatHost(host)}`;
  });
}

describe('undo', () => {
  test('of a removed host brings back exactly its row, in its place', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A, B]);
    await w.editor.setDrain(1, 1, [A.host], true);
    const before = w.rows();
    const { revision } = await w.editor.remove(1, 1, [A.host]);
    expect(await w.editor.undo(revision)).toMatchObject({ revision: revision + 1, added: 1, updated: 0, removed: 0, modules: 1 });
    expect(w.rows()).toEqual(before);
    expect(await w.sets()).toHaveLength(4);
  });

  test('of what was changed by hand brings back values that make no sense, too', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A]);
    w.sql.exec("INSERT INTO RouteData (modid, cmdid, serverip, serverport, weight) VALUES (1, 1, 5, 80, 'heavy')");
    await w.keeper.poll();
    const before = w.rows();
    w.sql.exec('DELETE FROM RouteData');
    await w.keeper.poll();
    await w.editor.undo((await w.sets()).at(-1)?.revision ?? 0);
    expect(w.rows()).toEqual(before);
  });

  test('of each kind of change, and of an undo', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A, B]);
    const states = [w.rows()];
    const edits = [
      () => w.editor.add(1, 1, [{ ...A, weight: 9 }]),
      () => w.editor.import([{ modid: 2, cmdid: 1, ...B }], 'replace'),
      () => w.editor.clear(),
    ];
    const revisions: number[] = [];
    for (const edit of edits) {
      revisions.push((await edit()).revision);
      states.push(w.rows());
    }
    for (const [at, revision] of [...revisions.entries()].reverse()) {
      const undone = await w.editor.undo(revision);
      expect(w.rows()).toEqual(states[at]);
      await w.editor.undo(undone.revision);
      expect(w.rows()).toEqual(states[at + 1]);
      await w.editor.undo(revision);
      expect(w.rows()).toEqual(states[at]);
    }
  });

  test.each([
    ['by a command', (w: Awaited<ReturnType<typeof historyWorld>>) => w.editor.setDrain(1, 1, [A.host], true)],
    ['by hand', (w: Awaited<ReturnType<typeof historyWorld>>) => w.sql.exec('UPDATE RouteData SET weight = 3 WHERE id = 1')],
    [
      'removed and added again',
      async (w: Awaited<ReturnType<typeof historyWorld>>) => {
        await w.editor.remove(1, 1, [A.host]);
        await w.editor.add(1, 1, [A]);
      },
    ],
  ])('is refused where a host was changed since %s, and says which', async (_, change) => {
    const w = await historyWorld();
    const { revision } = await w.editor.add(1, 1, [A, B]);
    await change(w);
    const rows = w.rows();
    const error: unknown = await w.editor.undo(revision).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UndoConflict);
    expect(error).toMatchObject({ code: 'CHANGED_SINCE' });
    expect(lines((error as UndoConflict).since).join()).toContain('1/1 10.0.0.1:80');
    expect(w.rows()).toEqual(rows);
    const dry = await w.open({ dryRun: true });
    await expect(dry.undo(revision)).rejects.toBeInstanceOf(UndoConflict);
  });

  test('is not refused for other hosts, nor where what came since was taken back', async () => {
    const w = await historyWorld();
    const { revision } = await w.editor.add(1, 1, [A]);
    await w.editor.add(1, 1, [B]);
    await w.editor.setDrain(1, 1, [A.host], true);
    await w.editor.setDrain(1, 1, [A.host], false);
    await w.editor.undo(revision);
    expect((await w.editor.list())[0]?.hosts.map(formatHost)).toEqual([B.host]);
  });

  test.each([0, 2, 99])('of revision %i, which changed no route, is an error', async revision => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A]);
    await expect(w.editor.undo(revision)).rejects.toMatchObject({ code: 'NO_SUCH_REVISION' });
  });
});

describe('diff', () => {
  test('sums up what lies between two revisions, and turns round', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A, B]);
    await w.editor.setDrain(1, 1, [A.host], true);
    await w.editor.remove(1, 1, [B.host]);
    await w.editor.add(0, 1, [B]);
    expect(lines(await w.editor.diff(0))).toEqual(['+0/1 10.0.0.2:80', '+1/1 10.0.0.1:80']);
    expect(lines(await w.editor.diff(1, 3))).toEqual(['~1/1 10.0.0.1:80', '-1/1 10.0.0.2:80']);
    expect(lines(await w.editor.diff(3, 1))).toEqual(['~1/1 10.0.0.1:80', '+1/1 10.0.0.2:80']);
    expect(lines(await w.editor.diff(2, 2))).toEqual([]);
    expect(lines(await w.editor.diff(4))).toEqual([]);
    await expect(w.editor.diff(5)).rejects.toMatchObject({ code: 'NO_SUCH_REVISION' });
  });

  test('until now knows what was changed by hand and is not recorded yet', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A]);
    w.sql.prepare(INSERT_ROW).run(1, 1, 5, 80);
    expect(lines(await w.editor.diff(1))).toEqual(['+1/1 0.0.0.5:80']);
    expect(await w.sets()).toHaveLength(1);
  });

  test('with routes says what applying them would change', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A, B]);
    const entries = [
      { modid: 1, cmdid: 1, ...A, weight: 8 },
      { modid: 1, cmdid: 2, ...A },
    ];
    expect(lines(await w.editor.diffWith(entries, 'apply'))).toEqual(['~1/1 10.0.0.1:80', '+1/2 10.0.0.1:80']);
    expect(lines(await w.editor.diffWith(entries, 'prune'))).toContain('-1/1 10.0.0.2:80');
  });
});

describe('apply', () => {
  test('takes weight and zone from its routes, leaves the drain mark and other hosts, and changes nothing the second time', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [{ ...A, drain: true }, B]);
    const entries = [{ modid: 1, cmdid: 1, host: A.host }];
    expect(await w.editor.import(entries, 'apply')).toMatchObject({ updated: 1, removed: 0, unnamed: 1 });
    expect((await w.editor.list())[0]?.hosts).toMatchObject([{ weight: 0, zone: '', drain: true }, {}]);
    const { revision } = await w.editor.import(entries, 'apply');
    expect(revision).toBe(2);
    expect(await w.editor.import(entries, 'prune')).toMatchObject({ removed: 1, revision: 3 });
    expect(await w.editor.import(entries, 'prune')).toMatchObject({ removed: 0, revision: 3 });
  });

  test('finds no difference between no weight and the weight that it counts as', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [B]);
    for (const mode of ['add', 'replace', 'apply', 'prune'] as const)
      expect(await w.editor.import([{ modid: 1, cmdid: 1, ...B, weight: 100 }], mode)).toMatchObject({ revision: 1, updated: 0 });
  });
});

describe('a dry run', () => {
  test('says exactly what the change then does, and changes nothing', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [A, B]);
    const dry = await w.open({ dryRun: true });
    const before = w.rows();
    const entries = [
      { modid: 1, cmdid: 1, ...B, weight: 3 },
      { modid: 2, cmdid: 1, ...A },
    ];
    const { preview, ...counts } = await dry.import(entries, 'replace');
    await dry.clear();
    await dry.confirm();
    expect(w.rows()).toEqual(before);
    expect(await w.sets()).toHaveLength(1);
    const { revision, ...done } = await w.editor.import(entries, 'replace');
    expect(counts).toEqual({ ...done, revision: 1 });
    expect(await w.editor.diff(1)).toEqual({ hosts: preview?.hosts, invalidRows: 0 });
    expect((await w.sets()).map(brief)).toEqual(['tool +2 ~0 -0', 'tool +1 ~1 -1']);
    expect(revision).toBe(2);
  });
});

describe('what would remove much', () => {
  const many = (modid: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ modid, cmdid: 1, host: `10.0.${modid}.${n + 1}:80` }));

  test.each([
    [
      'the last host of a module',
      [...many(1, 1), ...many(2, 100)],
      (n: { modid: number }) => n.modid !== 1,
      'module 1/1 would have no host any more',
    ],
    [
      'the last hosts of two',
      [...many(1, 1), ...many(2, 1), ...many(3, 100)],
      (n: { modid: number }) => n.modid === 3,
      '2 modules would have no host any more',
    ],
    [
      'more than a tenth of all hosts',
      [...many(1, 50), ...many(2, 50)],
      (_: unknown, at: number) => at % 9 !== 0,
      '12 of 100 hosts would go',
    ],
  ])('is refused: %s', async (_, hosts, keeps, why) => {
    const w = await historyWorld();
    await w.editor.import(hosts, 'add');
    const asking = await w.open({ asksToConfirm: true });
    const before = w.rows();
    const { preview, revision } = await asking.import(hosts.filter(keeps), 'replace');
    expect(preview?.whyConfirm).toBe(why);
    expect(revision).toBe(1);
    expect(w.rows()).toEqual(before);
    expect(await w.sets()).toHaveLength(1);
    const done = await w.editor.import(hosts.filter(keeps), 'replace');
    expect([done.preview, done.removed]).toEqual([undefined, preview?.hosts.length]);
  });

  test.each([
    ['a tenth', [...many(1, 50), ...many(2, 50)], (_: unknown, at: number) => at % 10 !== 0],
    ['a single host of three', many(1, 3), (_: unknown, at: number) => at > 0],
    ['nothing', many(1, 2), () => true],
  ])('is not refused: %s', async (_, hosts, keeps) => {
    const w = await historyWorld();
    await w.editor.import(hosts, 'add');
    const asking = await w.open({ asksToConfirm: true });
    const { preview, removed } = await asking.import(hosts.filter(keeps), 'replace');
    expect([preview, removed]).toEqual([undefined, hosts.length - hosts.filter(keeps).length]);
  });

  test('is refused of remove and undo, too; a module that gets other hosts is none that has none', async () => {
    const w = await historyWorld();
    await w.editor.import(many(5, 30), 'add');
    const { revision } = await w.editor.add(1, 1, [A]);
    const asking = await w.open({ asksToConfirm: true });
    for (const result of [await asking.remove(1, 1), await asking.remove(1, 1, [A.host]), await asking.undo(revision)])
      expect(result.preview?.whyConfirm).toBe('module 1/1 would have no host any more');
    const moved = await asking.import([...many(5, 30), { modid: 1, cmdid: 1, ...B }], 'replace');
    expect(moved).toMatchObject({ added: 1, removed: 1 });
    expect(moved.preview).toBeUndefined();
  });
});

test('of what a file declares, every host that goes is to be confirmed', async () => {
  const w = await historyWorld();
  const named = Array.from({ length: 40 }, (_, n) => ({ modid: 1, cmdid: 1, host: `10.0.0.${n + 1}:80` }));
  await w.editor.import(named, 'add');
  const asking = await w.open({ asksToConfirm: true });
  const { preview } = await asking.import(named.slice(1), 'prune');
  expect(preview?.whyConfirm).toBe('1 of 40 hosts would go');
  expect((await asking.import(named, 'prune')).preview).toBeUndefined();
});
