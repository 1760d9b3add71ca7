import { hostname, userInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { RouteStoreError } from '../../../../dnsserver/src/store/route-store.ts';
import { INSERT_ROW, serverip } from '../route-world.ts';
import { brief, historyWorld } from './history-world.ts';

const HOST = { host: '10.0.0.1:80' };

describe('a change by a command', () => {
  test('is a change set: revision, time, who, where, with what, why, and its rows before and after', async () => {
    const w = await historyWorld();
    const editor = await w.open({ command: 'lars route add', reason: 'more room' });
    const { revision } = await editor.add(1, 2, [{ ...HOST, zone: 'eu' }]);
    expect(await w.sets()).toEqual([
      {
        id: 1,
        revision,
        unixMs: expect.any(Number),
        author: userInfo().username,
        machine: hostname(),
        command: 'lars route add',
        reason: 'more room',
        added: 1,
        updated: 0,
        removed: 0,
        modules: 1,
      },
    ]);
    const row = {
      id: 1,
      modid: 1,
      cmdid: 2,
      serverip: serverip('10.0.0.1'),
      serverport: 80,
      weight: 0,
      addr: '',
      zone: 'eu',
      drain: 0,
    };
    await editor.setDrain(1, 2, [HOST.host], true);
    expect(await w.changes()).toEqual([
      { before: undefined, after: row },
      { before: row, after: { ...row, drain: 1 } },
    ]);
  });

  test('of nothing is none, and what was refused is none', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [HOST]);
    await w.editor.add(1, 1, [HOST]);
    await expect(w.editor.setDrain(1, 1, ['10.0.0.9:80'], true)).rejects.toThrow('has no host');
    expect((await w.sets()).map(brief)).toEqual(['tool +1 ~0 -0']);
  });

  test('that empties the table, or confirms it, is one too', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [HOST]);
    await w.editor.clear();
    await w.editor.confirm();
    expect((await w.sets()).map(brief)).toEqual(['tool +1 ~0 -0', 'tool +0 ~0 -1', 'tool +0 ~0 -0']);
    expect(w.recorded()).toEqual([]);
  });
});

describe('a change by hand', () => {
  test('is recorded by dnsserver, with the rows as they were, and never twice', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [HOST, { host: '10.0.0.2:80' }]);
    await w.keeper.poll();
    w.sql.exec('UPDATE RouteData SET weight = 7 WHERE id = 1; DELETE FROM RouteData WHERE id = 2');
    w.sql.prepare(INSERT_ROW).run(2, 1, 5, 80);
    for (let n = 0; n < 3; n += 1) await w.keeper.poll();
    await w.editor.add(3, 1, [HOST]);
    await w.keeper.poll();
    expect((await w.sets()).map(brief)).toEqual(['tool +2 ~0 -0', 'hand +1 ~1 -1', 'tool +1 ~0 -0']);
    const hand = (await w.sets())[1];
    expect(hand).toMatchObject({ command: 'SQL', machine: '', unixMs: 1_000, modules: 2 });
    expect((await w.changes()).find(({ after }) => after === undefined)?.before).toMatchObject({ id: 2 });
    expect(w.recorded()).toEqual(w.rows());
  });

  test('is recorded by the next command when no dnsserver runs, under a revision of its own', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [HOST]);
    w.sql.exec("UPDATE RouteData SET zone = 'eu'");
    expect((await w.editor.history(9)).unrecorded).toEqual({ added: 0, updated: 1, removed: 0, modules: 1 });
    await w.editor.add(1, 1, [{ host: '10.0.0.2:80' }]);
    const sets = await w.sets();
    expect(sets.map(brief)).toEqual(['tool +1 ~0 -0', 'hand +0 ~1 -0', 'tool +1 ~0 -0']);
    expect(sets.map(({ revision }) => revision)).toEqual([1, 2, 3]);
    await w.keeper.poll();
    expect(await w.sets()).toEqual(sets);
  }, 20_000);

  test('that took its own mark back, or touched rows of no module, is none', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [HOST]);
    w.sql.exec('UPDATE RouteData SET weight = 9; UPDATE RouteData SET weight = 0');
    w.sql.prepare(INSERT_ROW).run('one', 1, 5, 80);
    await w.keeper.poll();
    expect(await w.sets()).toHaveLength(1);
  });

  test('is looked for once: the place in the journal moves, also where nothing had to be recorded', async () => {
    const w = await historyWorld();
    const ends = () =>
      w.store.read(async reader => [(await reader.history.state()).lastEdit, (await reader.journal()).lastEdit] as const);
    await w.editor.add(1, 1, [HOST]);
    expect(await ends()).toEqual([1, 1]);
    w.sql.exec('UPDATE RouteData SET weight = 9; UPDATE RouteData SET weight = 0');
    expect(await ends()).toEqual([1, 3]);
    await w.keeper.poll();
    expect(await ends()).toEqual([3, 3]);
  });

  test('is recorded by the next poll when another process writes just now', async () => {
    const w = await historyWorld();
    await w.keeper.poll();
    w.sql.prepare(INSERT_ROW).run(1, 1, 5, 80);
    const update = w.store.update.bind(w.store);
    w.store.update = async () => Promise.reject(new RouteStoreError('BUSY', 'another process has locked it'));
    await w.keeper.poll();
    w.store.update = update;
    expect(w.log.events()).toEqual([]);
    await w.keeper.poll();
    expect((await w.sets()).map(brief)).toEqual(['hand +1 ~0 -0']);
    expect(w.log.events()).toEqual(['routes were changed']);
  });

  test('is recorded once although two dnsservers and two commands see it at the same time', async () => {
    const w = await historyWorld();
    const other = await historyWorld(undefined, w.file);
    await Promise.all([w.keeper.poll(), other.keeper.poll()]);
    for (let n = 1; n <= 10; n += 1) {
      w.sql.prepare(INSERT_ROW).run(n, 1, 5, 80);
      await Promise.all([w.keeper.poll(), other.keeper.poll(), w.editor.add(n, 2, [HOST]), other.editor.add(n, 3, [HOST])]);
      await Promise.all([w.keeper.poll(), other.keeper.poll()]);
    }
    const sets = (await w.sets()).map(brief);
    expect(sets.filter(set => set.startsWith('hand'))).toEqual(Array.from({ length: 10 }, () => 'hand +1 ~0 -0'));
    expect(sets).toHaveLength(30);
    for (const { log } of [w, other]) expect(log.events().filter(event => event === 'routes were changed')).toHaveLength(30);
    expect(w.recorded()).toEqual(w.rows());
  }, 60_000);

  test.each([
    ['the journal was emptied', 'DELETE FROM RouteEdit'],
    ['a trigger was missing meanwhile', 'DROP TRIGGER RouteEditUpdate'],
    ['the journal begins again', 'DELETE FROM RouteEdit; DELETE FROM sqlite_sequence'],
  ])('is found although %s', async (_, statement) => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [HOST, { host: '10.0.0.2:80' }]);
    w.sql.exec(`${statement}; UPDATE RouteData SET weight = 5 WHERE id = 2`);
    await w.store.ensureSchema();
    await w.keeper.poll();
    expect((await w.sets()).map(brief)).toEqual(['tool +2 ~0 -0', 'hand +0 ~1 -0']);
    expect(w.recorded()).toEqual(w.rows());
  });

  test('of very many modules is compared page by page', async () => {
    const w = await historyWorld();
    const fill = w.sql.transaction(() => {
      for (let n = 0; n < 12_000; n += 1) w.sql.prepare(INSERT_ROW).run(n, 1, 5, 80);
    });
    fill();
    await w.keeper.poll();
    w.sql.exec('UPDATE RouteData SET weight = 1 WHERE id % 3 = 0; DELETE FROM RouteData WHERE id % 3 = 1');
    await w.keeper.poll();
    expect((await w.sets()).map(brief)).toEqual(['hand +12000 ~0 -0', 'hand +0 ~4000 -4000']);
    expect(w.recorded()).toEqual(w.rows());
  }, 60_000);
});

describe('the log', () => {
  test('has one line for each change set behind the start, whoever made it', async () => {
    const w = await historyWorld();
    await w.editor.add(9, 9, [HOST]);
    await w.keeper.poll();
    const editor = await w.open({ command: 'lars route add', reason: 'more room' });
    await editor.add(1, 1, [HOST]);
    w.sql.exec('UPDATE RouteData SET weight = 5');
    await w.keeper.poll();
    await w.keeper.poll();
    const lines = w.log.records.filter(({ event }) => event === 'routes were changed');
    expect(lines.map(({ fields }) => fields)).toEqual([
      {
        revision: 2,
        by: `${userInfo().username}@${hostname()}`,
        command: 'lars route add',
        reason: 'more room',
        added: 1,
        updated: 0,
        removed: 0,
        modules: 1,
      },
      { revision: expect.any(Number), by: 'by hand', command: 'SQL', added: 0, updated: 2, removed: 0, modules: 2 },
    ]);
  });

  test('says once that nothing can be recorded; what could not be recorded is with the next change', async () => {
    const w = await historyWorld();
    await w.editor.add(1, 1, [HOST]);
    await w.keeper.poll();
    const update = w.store.update.bind(w.store);
    w.store.update = async () => Promise.reject(new RouteStoreError('FULL', 'the disk is full'));
    w.sql.exec('UPDATE RouteData SET weight = 5');
    await w.keeper.poll();
    w.sql.exec('UPDATE RouteData SET weight = 6');
    await w.keeper.poll();
    expect(w.log.events().filter(event => event.includes('cannot be recorded'))).toHaveLength(1);
    w.store.update = update;
    w.sql.exec("UPDATE RouteData SET zone = 'eu'");
    await w.keeper.poll();
    expect((await w.sets()).map(brief)).toEqual(['tool +1 ~0 -0', 'hand +0 ~1 -0']);
  });
});

describe('the history is bounded', () => {
  test.each([
    ['change sets', { maxSets: 3, maxRows: 1_000 }, 3],
    ['rows', { maxSets: 1_000, maxRows: 4 }, 2],
    ['not even the last one', { maxSets: 1_000, maxRows: 1 }, 1],
  ])('in %s', async (_, limits, left) => {
    const w = await historyWorld(limits);
    for (let n = 1; n <= 8; n += 1) await w.editor.add(n, 1, [HOST, { host: '10.0.0.2:80' }]);
    for (let n = 0; n < 3; n += 1) await w.keeper.poll();
    const sets = await w.sets();
    expect(sets.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].slice(-left));
    expect(await w.changes()).toHaveLength(2 * left);
    expect((await w.editor.history(1)).sinceRevision).toBe(8 - left);
    await expect(w.editor.diff(7 - left)).rejects.toMatchObject({ code: 'NO_HISTORY' });
    expect((await w.editor.diff(8 - left)).hosts).toHaveLength(2 * left);
  });

  test('and rows go in small steps', async () => {
    const w = await historyWorld({ maxSets: 1, maxRows: 1 });
    const many = Array.from({ length: 6_000 }, (_, n) => ({ modid: n, cmdid: 1, ...HOST }));
    await w.editor.import(many, 'add');
    await w.editor.add(1, 2, [HOST]);
    await w.keeper.poll();
    expect(await w.changes()).toHaveLength(1_001);
    await w.keeper.poll();
    expect(await w.changes()).toHaveLength(1);
  }, 60_000);
});
