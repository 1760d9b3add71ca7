/** Random changes by commands and in SQL, recorded by whoever comes first: the history has each of them once, and leads back. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldChanges } from '../../../../dnsserver/src/history/compare-rows.ts';
import { historyWorld } from './history-world.ts';

const module = fc.integer({ min: 1, max: 3 });
const host = fc.integer({ min: 1, max: 4 }).map(n => `10.0.0.${n}:80`);

const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), module, host, weight: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('remove' as const), module, host }),
  fc.record({ kind: fc.constant('drain' as const), module, host }),
  fc.record({ kind: fc.constant('poll' as const) }),
  fc.record({
    kind: fc.constant('sql' as const),
    text: fc.constantFrom(
      'UPDATE RouteData SET weight = weight + 1 WHERE id % 2 = 0',
      'DELETE FROM RouteData WHERE id % 3 = 0',
      'INSERT OR REPLACE INTO RouteData (modid, cmdid, serverip, serverport) VALUES (1, 1, 167772161, 80)',
      'INSERT OR IGNORE INTO RouteData (modid, cmdid, serverip, serverport) VALUES (2, 1, 167772161, 80)',
      'INSERT OR REPLACE INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (2, 4, 1, 5, 80)',
      'UPDATE OR IGNORE RouteData SET modid = 3 WHERE modid = 1',
      'UPDATE RouteData SET id = id + 1000 WHERE modid = 2',
      'UPDATE RouteData SET drain = 7 WHERE modid = 3',
      'DELETE FROM RouteEdit',
      'DELETE FROM RouteData',
    ),
  }),
);

test('the change sets in order lead from nothing to the table, and the recorded rows are the table', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async steps => {
      const w = await historyWorld();
      for (const one of steps) {
        if (one.kind === 'poll') await w.keeper.poll();
        else if (one.kind === 'sql') w.sql.exec(one.text);
        else if (one.kind === 'add') await w.editor.add(one.module, 1, [{ host: one.host, weight: one.weight }]);
        else if (one.kind === 'remove') await w.editor.remove(one.module, 1, [one.host]);
        else await w.editor.setDrain(one.module, 1, [one.host], true).catch(() => undefined);
      }
      await w.keeper.poll();
      expect(w.recorded()).toEqual(w.rows());
      const sets = await w.sets();
      const revisions = sets.map(({ revision }) => revision);
      expect(revisions).toEqual([...new Set(revisions)].sort((one, other) => one - other));
      const folded = foldChanges(await w.changes());
      expect(folded.filter(({ before }) => before !== undefined)).toEqual([]);
      const rebuilt = folded.flatMap(({ after }) => (after === undefined ? [] : [after]));
      w.sql.exec('DELETE FROM RouteData');
      await w.store.update(writer => writer.insertRowsAsTheyWere(rebuilt));
      expect(w.rows()).toEqual(w.recorded());
    }),
    { numRuns: 40 },
  );
}, 120_000);
