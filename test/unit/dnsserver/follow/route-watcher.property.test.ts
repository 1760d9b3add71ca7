/** Whatever is done to the tables, and by whom: what is served is what is there, and the pushes tell exactly that. */
import { formatModule } from '@lars/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RouteDiff } from '../../../../dnsserver/src/follow/route-table.ts';
import { contents, freshContents, INSERT_ROW, knownContents, openWorld, serverip, type World, watch } from '../route-world.ts';

const modid = fc.constantFrom(1, 2, 3, -1);
const cmdid = fc.constantFrom(1, 2);
const port = fc.integer({ min: 1, max: 6 });
const host = fc.tuple(fc.constantFrom('10.0.0.1', '192.168.0.1', 'db.example'), port).map(([name, n]) => `${name}:${n}`);
const entry = fc.record({
  modid,
  cmdid,
  host,
  weight: fc.option(fc.constantFrom(0, 100, 5), { nil: undefined }),
  zone: fc.option(fc.constantFrom('', 'eu'), { nil: undefined }),
  drain: fc.option(fc.boolean(), { nil: undefined }),
});
const entries = fc.uniqueArray(entry, { maxLength: 6, selector: ({ modid, cmdid, host }) => `${modid} ${cmdid} ${host}` });

type Step = (world: World) => unknown;

/** Named, so that a counterexample can be read. */
function step(name: string, act: Step): Step & { toString(): string } {
  return Object.assign(act, { toString: () => name, [fc.toStringMethod]: () => name });
}

function sql(statement: string): Step {
  return step(statement, world => {
    try {
      world.sql.exec(statement);
    } catch (error) {
      // The unique index refuses some statements, as it would anybody's.
      if (!String(error).includes('UNIQUE')) throw error;
      if (world.sql.inTransaction) world.sql.exec('ROLLBACK');
    }
  });
}

const unsigned = (id: number) => (id < 0 ? id + 2 ** 32 : id);
const ip = serverip('192.168.0.1');
const insertRow = (modid: number, cmdid: number, n: number) =>
  `${INSERT_ROW.split('VALUES')[0]} VALUES (${modid}, ${cmdid}, ${ip}, ${n})`;

const editorStep = fc.oneof(
  entries.map(some => step(`add ${JSON.stringify(some)}`, world => world.editor.import(some, 'add'))),
  entries.map(some => step(`replace ${JSON.stringify(some)}`, world => world.editor.import(some, 'replace'))),
  fc.tuple(modid, cmdid).map(([m, c]) => step(`remove ${m}/${c}`, world => world.editor.remove(m, c))),
  fc.tuple(modid, cmdid, host).map(([m, c, h]) => step(`remove ${m}/${c} ${h}`, world => world.editor.remove(m, c, [h]))),
  fc.constant(step('clear', world => world.editor.clear())),
);

const handStep = fc.oneof(
  fc.tuple(modid, cmdid, port).map(([m, c, n]) => sql(insertRow(m, c, n))),
  fc.tuple(modid, cmdid, port).map(([m, c, n]) => sql(insertRow(unsigned(m), c, n))),
  fc.tuple(modid, cmdid, fc.constantFrom(0, 70_000)).map(([m, c, n]) => sql(insertRow(m, c, n))),
  fc.tuple(modid, modid).map(([from, to]) => sql(`UPDATE RouteData SET modid = ${to} WHERE modid = ${from}`)),
  fc.tuple(port, port).map(([from, to]) => sql(`UPDATE OR REPLACE RouteData SET serverport = ${to} WHERE serverport = ${from}`)),
  fc.tuple(modid, port).map(([m, n]) => sql(`UPDATE RouteData SET weight = ${n} WHERE modid = ${m}`)),
  fc.tuple(modid, fc.nat(2)).map(([m, n]) => sql(`UPDATE RouteData SET drain = ${n} WHERE modid = ${m}`)),
  modid.map(m => sql(`DELETE FROM RouteData WHERE modid = ${m}`)),
  fc.integer({ min: 1, max: 12 }).map(id => sql(`DELETE FROM RouteData WHERE id = ${id}`)),
  fc.tuple(port, port).map(([id, from]) => sql(`UPDATE OR REPLACE RouteData SET id = ${id} WHERE id = ${from}`)),
  fc
    .tuple(port, modid)
    .map(([id, m]) => sql(`REPLACE INTO RouteData (id, modid, cmdid, serverip, serverport) VALUES (${id}, ${m}, 1, 5, 5)`)),
  fc.constant(
    sql(
      'BEGIN; CREATE TEMP TABLE t AS SELECT * FROM RouteData; DELETE FROM RouteData; INSERT INTO RouteData SELECT * FROM t; DROP TABLE t; COMMIT',
    ),
  ),
  fc.constant(sql('DELETE FROM RouteData')),
  fc.tuple(modid, port).map(([m, n]) => sql(`BEGIN; ${insertRow(m, 1, n)}; DELETE FROM RouteData WHERE modid <> ${m}; ROLLBACK`)),
);

const versionStep = fc.oneof(
  fc.constantFrom(0, 3, 1_700_000_000).map(version => sql(`UPDATE RouteVersion SET version = ${version}`)),
  fc.constant(sql('UPDATE RouteVersion SET version = version + 1')),
  fc.constant(sql('DELETE FROM RouteVersion')),
  fc.constant(sql('DELETE FROM RouteChange')),
  fc
    .tuple(modid, cmdid)
    .map(([m, c]) =>
      sql(`INSERT INTO RouteChange (modid, cmdid, version) SELECT ${m}, ${c}, coalesce(max(version), 0) FROM RouteVersion`),
    ),
  fc.tuple(modid, port).map(([m, n]) =>
    sql(`BEGIN; UPDATE RouteVersion SET version = version + 1; ${insertRow(m, 1, n)};
        INSERT INTO RouteChange (modid, cmdid, version) SELECT ${m}, 1, version FROM RouteVersion; COMMIT`),
  ),
);

const poll = step('poll', async world => {
  await world.poll();
});
const steps = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.oneof(editorStep, handStep, versionStep) }, { weight: 2, arbitrary: fc.constant(poll) }),
  {
    maxLength: 30,
  },
);

/** Each push of a module carries a higher version than the one before, and other hosts. */
function checkPushes(diffs: readonly RouteDiff[], start: ReadonlyMap<string, number>): void {
  const versions = new Map(start);
  for (const diff of diffs) {
    expect(new Set(diff.map(route => formatModule(route.modid, route.cmdid))).size).toBe(diff.length);
    for (const { modid, cmdid, version } of diff) {
      const module = formatModule(modid, cmdid);
      expect(version).toBeGreaterThan(versions.get(module) ?? 0);
      versions.set(module, version);
    }
  }
}

test('after each look what is held is what a fresh reader finds, and the pushes lead a client there', async () => {
  await fc.assert(
    fc.asyncProperty(entries, steps, async (before, acts) => {
      const world = await openWorld({ acceptEmpty: true, sharePercent: 100, prepare: editor => editor.import(before, 'add') });
      const start = new Map([...world.client].map(([module, route]) => [module, route.version]));
      const other = await watch(world.file, { acceptEmpty: true, sharePercent: 100 });
      try {
        for (const act of [...acts, poll]) {
          await act(world);
          if (act !== poll) continue;
          expect(knownContents(world.watcher)).toEqual(await freshContents(world.store));
          expect(contents(world.client.values())).toEqual(knownContents(world.watcher));
        }
        // Another dnsserver that slept through all of it ends with the same, and after that nobody has anything to say.
        await other.watcher.poll();
        expect(knownContents(other.watcher)).toEqual(knownContents(world.watcher));
        expect(await world.poll()).toEqual([]);
        checkPushes(world.diffs, start);
        expect(world.watcher.status.outage).toBeUndefined();
      } finally {
        await other.close();
        await world.close();
      }
    }),
    { numRuns: 150 },
  );
}, 120_000);

test('with the guard, what is known is what is there and what is kept', async () => {
  await fc.assert(
    fc.asyncProperty(entries, steps, async (before, acts) => {
      const world = await openWorld({ prepare: editor => editor.import(before, 'add') });
      try {
        for (const act of [...acts, poll]) {
          await act(world);
          if (act !== poll) continue;
          const fresh = await freshContents(world.store);
          const known = knownContents(world.watcher);
          const { kept } = world.watcher.status;
          if (kept === undefined) expect(known).toEqual(fresh);
          for (const [module, hosts] of Object.entries(fresh)) expect(known[module]).toEqual(expect.arrayContaining(hosts));
          for (const key of kept?.modules.keys() ?? []) expect(world.watcher.routes.get(key)).toBeDefined();
          expect(contents(world.client.values())).toEqual(knownContents(world.watcher));
        }
        await world.editor.clear();
        await world.poll();
        expect(world.client.size).toBe(0);
        expect(world.watcher.status.kept).toBeUndefined();
      } finally {
        await world.close();
      }
    }),
    { numRuns: 100 },
  );
}, 120_000);
