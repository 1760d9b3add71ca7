/** What happens to the table while no dnsserver runs. */
import { existsSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { RouteTable } from '../../../../dnsserver/src/follow/route-table.ts';
import { SeenFile, seenFileOf } from '../../../../dnsserver/src/follow/seen-file.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { tempFile, type Watched, type World, watch, world } from '../route-world.ts';

const MODULES = [1, 2, 3, 4, 5, 6];

/** Six modules that were served, and nobody who serves them now. */
async function stopped(): Promise<World> {
  const w = await world({
    prepare: async editor => {
      for (const n of MODULES) await editor.add(n, n, [{ host: `10.0.0.${n}:80` }]);
    },
  });
  await w.watcher.stop();
  return w;
}

async function start(w: World, options: Parameters<typeof watch>[1] = {}): Promise<Watched> {
  const started = await watch(w.file, options);
  onTestFinished(() => started.close());
  return started;
}

const modules = ({ client }: Watched) => [...client.keys()].map(module => Number(module.split('/')[0])).sort();
const keptModules = ({ watcher }: Watched) => watcher.status.kept?.modules.size ?? 0;

describe('while no dnsserver runs', () => {
  test('a table that is emptied by hand activates the removal guard at the next start', async () => {
    const w = await stopped();
    w.sql.exec('DELETE FROM RouteData');
    const again = await start(w);
    expect(modules(again)).toEqual(MODULES);
    expect(keptModules(again)).toBe(MODULES.length);
    expect(again.counters.get('emptyGuardActivations')).toBe(1);
    expect(again.log.records.filter(({ level }) => level === 'error').map(({ event }) => event)).toEqual([
      expect.stringMatching(/lars route restore.*lars route confirm/),
    ]);
    await w.editor.confirm();
    await again.watcher.poll();
    expect(modules(again)).toEqual([]);
  });

  test('a table that loses most of its modules keeps them, and what is new is served beside them', async () => {
    const w = await stopped();
    w.sql.exec('DELETE FROM RouteData WHERE modid > 1');
    await w.editor.add(7, 7, [{ host: '10.0.0.7:80' }]);
    const again = await start(w);
    expect(modules(again)).toEqual([...MODULES, 7]);
    expect(keptModules(again)).toBe(5);
  });

  test('a database that is made anew under the same name keeps them too', async () => {
    const w = await stopped();
    w.sql.close();
    await w.store.close();
    await w.editor.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(w.file + suffix, { force: true });
    const editor = await openRouteEditor({ file: w.file });
    onTestFinished(() => editor.close());
    const again = await start(w);
    expect(modules(again)).toEqual(MODULES);
    await editor.confirm();
    await again.watcher.poll();
    expect(modules(again)).toEqual([]);
  });

  test.each([
    ['cleared', (w: World) => w.editor.clear()],
    [
      'emptied and confirmed',
      async (w: World) => {
        w.sql.exec('DELETE FROM RouteData');
        await w.editor.confirm();
      },
    ],
    [
      'emptied by removals that are announced',
      async (w: World) => {
        for (const n of MODULES) await w.editor.remove(n, n);
      },
    ],
  ])('a table that is %s is believed', async (_, empty) => {
    const w = await stopped();
    await empty(w);
    const again = await start(w);
    expect(modules(again)).toEqual([]);
    expect(again.watcher.status.kept).toBeUndefined();
  });

  test('what an earlier run kept is kept on, whatever was announced before it vanished', async () => {
    const w = await world();
    for (const n of MODULES) await w.editor.add(n, n, [{ host: `10.0.0.${n}:80` }]);
    await w.poll();
    w.sql.exec('DELETE FROM RouteData');
    await w.poll();
    await w.watcher.stop();
    const again = await start(w);
    expect(modules(again)).toEqual(MODULES);
    expect(keptModules(again)).toBe(MODULES.length);
  });

  test('a module that was changed by a command just before, and removed by hand then, is missed too', async () => {
    const w = await world({ prepare: editor => editor.add(1, 1, [{ host: '10.0.0.1:80' }]) });
    for (const n of MODULES.slice(1)) await w.editor.add(n, n, [{ host: `10.0.0.${n}:80` }]);
    await w.poll();
    await w.watcher.stop();
    w.sql.exec('DELETE FROM RouteData WHERE modid > 1');
    expect(modules(await start(w))).toEqual(MODULES);
  });

  test('a few modules that are removed by hand are believed, as while it runs', async () => {
    const w = await stopped();
    w.sql.exec('DELETE FROM RouteData WHERE modid > 4');
    expect(modules(await start(w))).toEqual([1, 2, 3, 4]);
  });
});

describe('the file of what was served', () => {
  test('is for its owner and group alone, and is not written where the guard is turned off', async () => {
    const w = await stopped();
    expect(statSync(seenFileOf(w.file)).mode & 0o777).toBe(0o640);
    rmSync(seenFileOf(w.file));
    const off = await watch(w.file, { acceptEmpty: true, sharePercent: 100 });
    await off.close();
    expect(existsSync(seenFileOf(w.file))).toBe(false);
  });

  test('is written when routes have changed, at most once a minute', async () => {
    const file = path.join(path.dirname(tempFile()), 'seen');
    let nowMs = 0;
    const clock = { monotonicMs: () => nowMs, unixMs: () => 0 };
    const seen = new SeenFile({ file, clock, log: recordingLog().log });
    const isWritten = async () => {
      rmSync(file, { force: true });
      const isDue = seen.writeIfDue(new RouteTable(), { edit: 1, change: 2 }, () => undefined);
      await isDue;
      return existsSync(file);
    };
    expect(await isWritten()).toBe(false);
    seen.touch();
    expect(await isWritten()).toBe(true);
    nowMs = 60_000;
    expect(await isWritten()).toBe(false);
    seen.touch();
    expect(await isWritten()).toBe(true);
    seen.touch();
    nowMs = 119_999;
    expect(await isWritten()).toBe(false);
    nowMs = 120_000;
    expect(await isWritten()).toBe(true);
    expect((await seen.load(() => undefined))?.cursors).toEqual({ edit: 1, change: 2 });
  });
});
