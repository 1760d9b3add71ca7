import { formatHost } from '@lars/proto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openRouteEditor } from '../../../../dnsserver/src/edit/route-editor.ts';
import { describeRoute, INSERT_ROW, openSql, serverip, tempFile } from '../route-world.ts';

async function open(file = tempFile()) {
  const editor = await openRouteEditor({ file });
  onTestFinished(() => editor.close());
  const sql = openSql(file);
  return {
    file,
    editor,
    sql,
    rows: () =>
      sql.prepare('SELECT modid, cmdid, serverip, serverport, weight, addr, zone FROM RouteData ORDER BY id').raw().all(),
    changes: () => sql.prepare('SELECT modid, cmdid, version FROM RouteChange ORDER BY id').raw().all(),
    revision: () => sql.prepare('SELECT version FROM RouteVersion').pluck().get(),
    listed: async () => (await editor.list()).map(describeRoute),
  };
}

const NOTHING = { added: 0, updated: 0, removed: 0, modules: 0 };

describe('adding', () => {
  test('writes rows, one revision and one announcement of the module', async () => {
    const { editor, rows, changes, revision } = await open();
    const hosts = [{ host: '192.168.1.177:80' }, { host: '[2001:DB8::1]:443', weight: 50 }, { host: 'DB.example:1', zone: 'eu' }];
    expect(await editor.add(-1, 2, hosts)).toEqual({ revision: 1, added: 3, updated: 0, removed: 0, modules: 1 });
    expect(rows()).toEqual([
      [-1, 2, 0xc0a801b1, 80, 0, '', ''],
      [-1, 2, 0, 443, 50, '2001:db8::1', ''],
      [-1, 2, 0, 1, 0, 'db.example', 'eu'],
    ]);
    expect(changes()).toEqual([[-1, 2, 1]]);
    expect(revision()).toBe(1);
  });

  test.each([
    ['the same host', { host: '10.0.0.1:80' }],
    ['the same host with its weight and zone', { host: '10.0.0.1:80', weight: 7, zone: 'eu' }],
    ['nothing', undefined],
  ])('%s changes nothing, the revision neither', async (_, host) => {
    const { editor, changes, revision } = await open();
    await editor.add(1, 1, [{ host: '10.0.0.1:80', weight: 7, zone: 'eu' }]);
    expect(await editor.add(1, 1, host === undefined ? [] : [host])).toEqual({ revision: 1, ...NOTHING });
    expect(changes()).toHaveLength(1);
    expect(revision()).toBe(1);
  });

  test('a host that is there with another weight or zone changes just that', async () => {
    const { editor, rows } = await open();
    await editor.add(1, 1, [{ host: '10.0.0.1:80', weight: 7, zone: 'eu' }, { host: '10.0.0.2:80' }]);
    expect(await editor.add(1, 1, [{ host: '10.0.0.1:80', weight: 8 }])).toMatchObject({ revision: 2, updated: 1, added: 0 });
    await editor.add(1, 1, [{ host: '10.0.0.1:80', zone: '' }]);
    expect(rows()).toEqual([
      [1, 1, serverip('10.0.0.1'), 80, 8, '', ''],
      [1, 1, serverip('10.0.0.2'), 80, 0, '', ''],
    ]);
  });

  test('finds the host also in a row with an unsigned module id, and takes the place of a row without sense', async () => {
    const { editor, sql, rows } = await open();
    sql.prepare(INSERT_ROW).run(4294967295, 1, serverip('10.0.0.1'), 80);
    sql.exec(
      `INSERT INTO RouteData (modid, cmdid, serverip, serverport, weight) VALUES (-1, 1, ${serverip('10.0.0.2')}, 80, -5)`,
    );
    const result = await editor.add(-1, 1, [{ host: '10.0.0.1:80' }, { host: '10.0.0.2:80' }]);
    expect(result).toMatchObject({ added: 1, updated: 0 });
    expect(rows()).toEqual([
      [4294967295, 1, serverip('10.0.0.1'), 80, 0, '', ''],
      [-1, 1, serverip('10.0.0.2'), 80, 0, '', ''],
    ]);
  });

  test.each([
    [2 ** 31, 1, { host: '10.0.0.1:80' }, 'BAD_MODID', 'modid 2147483648 is not an int32'],
    [1, 0.5, { host: '10.0.0.1:80' }, 'BAD_CMDID', 'cmdid 0.5 is not an int32'],
    [1, 1, { host: '10.0.0.1:0' }, 'BAD_HOST', "port 0 in '10.0.0.1:0' is not in 1..65535"],
    [1, 1, { host: '10.0.0.1:65536' }, 'BAD_HOST', "port 65536 in '10.0.0.1:65536' is not in 1..65535"],
    [1, 1, { host: '0.0.0.0:1' }, 'BAD_HOST', "address '0.0.0.0' in '0.0.0.0:1' is not an address that can be called"],
    [1, 1, { host: '' }, 'BAD_HOST', "'' is no host: expected HOST:PORT or [IPV6]:PORT"],
    [1, 1, { host: 'a:1', weight: 1.5 }, 'BAD_WEIGHT', 'weight 1.5 is not a whole number in 0..1000000'],
    [1, 1, { host: 'a:1', drain: 1 as unknown as boolean }, 'BAD_DRAIN', 'drain 1 is neither true nor false'],
    [1, 1, { host: 'a:1', zone: ' x' }, 'BAD_ZONE', "zone ' x' is not one line of at most 64 characters without space around it"],
  ])('modid %d, cmdid %d, %j is refused: %s', async (modid, cmdid, host, code, message) => {
    const { editor, rows, revision } = await open();
    await expect(editor.add(modid, cmdid, [{ host: '10.0.0.9:9' }, host])).rejects.toMatchObject({
      name: 'RouteError',
      code,
      message,
    });
    expect(rows()).toEqual([]);
    expect(revision()).toBe(0);
  });
});

describe('draining', () => {
  const three = [{ host: '10.0.0.1:80', weight: 7, zone: 'eu' }, { host: '[::1]:80' }, { host: 'db.example:80' }];

  async function openWithThree() {
    const opened = await open();
    await opened.editor.add(1, 1, three);
    const draining = async () =>
      (await opened.editor.list()).flatMap(({ hosts }) => hosts.filter(host => host.drain).map(formatHost));
    return { ...opened, draining };
  }

  test('marks just these hosts, once, and announces the module', async () => {
    const { editor, sql, draining, changes } = await openWithThree();
    const hosts = ['10.0.0.1:80', 'DB.example:80', 'db.example:80'];
    expect(await editor.setDrain(1, 1, hosts, true)).toEqual({ revision: 2, added: 0, updated: 2, removed: 0, modules: 1 });
    expect(await draining()).toEqual(['10.0.0.1:80', 'db.example:80']);
    expect(sql.prepare('SELECT weight, zone, drain FROM RouteData ORDER BY id').raw().all()).toEqual([
      [7, 'eu', 1],
      [0, '', 0],
      [0, '', 1],
    ]);
    expect(changes().at(-1)).toEqual([1, 1, 2]);
    expect(await editor.setDrain(1, 1, hosts, true)).toEqual({ revision: 2, ...NOTHING });
    expect(await editor.setDrain(1, 1, ['10.0.0.1:80'], false)).toMatchObject({ revision: 3, updated: 1 });
    expect(await draining()).toEqual(['db.example:80']);
  });

  test.each([
    [1, ['10.0.0.1:80', '10.0.0.9:80', '10.0.0.8:80'], 'NO_SUCH_HOST', 'module 1/1 has no host 10.0.0.9:80'],
    [2, ['10.0.0.1:80'], 'NO_SUCH_HOST', 'module 2/1 has no host 10.0.0.1:80'],
    [1, ['10.0.0.1:80', '10.0.0.1'], 'BAD_HOST', "'10.0.0.1' is no host: expected HOST:PORT or [IPV6]:PORT"],
    [1.5, [], 'BAD_MODID', 'modid 1.5 is not an int32'],
  ])('in modid %d of %j is refused, and nothing is marked', async (modid, hosts, code, message) => {
    const { editor, draining, revision } = await openWithThree();
    for (const drain of [true, false])
      await expect(editor.setDrain(modid, 1, hosts, drain)).rejects.toMatchObject({ name: 'RouteError', code, message });
    expect(await draining()).toEqual([]);
    expect(revision()).toBe(1);
  });

  test('stays when the host is added again without a word of it, and goes with a replacement', async () => {
    const { editor, draining } = await openWithThree();
    await editor.add(1, 1, [
      { host: '10.0.0.1:80', drain: true },
      { host: '10.0.0.4:80', drain: true },
    ]);
    await editor.add(1, 1, [{ host: '10.0.0.1:80', weight: 8 }]);
    expect(await draining()).toEqual(['10.0.0.1:80', '10.0.0.4:80']);
    await editor.add(1, 1, [{ host: '10.0.0.4:80', drain: false }]);
    expect(await draining()).toEqual(['10.0.0.1:80']);
    await editor.import([{ modid: 1, cmdid: 1, host: '10.0.0.1:80' }], 'replace');
    expect(await draining()).toEqual([]);
  });

  test('marks every row of a host that the table names twice', async () => {
    const { editor, sql } = await open();
    sql.exec('DROP INDEX RouteDataHost');
    for (const modid of [-1, 4294967295]) sql.prepare(INSERT_ROW).run(modid, 1, serverip('10.0.0.1'), 80);
    expect(await editor.setDrain(-1, 1, ['10.0.0.1:80'], true)).toMatchObject({ updated: 2, modules: 1 });
    expect(sql.prepare('SELECT drain FROM RouteData').pluck().all()).toEqual([1, 1]);
  });
});

describe('removing', () => {
  const three = [{ host: '10.0.0.1:80' }, { host: '10.0.0.2:80' }, { host: 'db.example:80' }];

  test('takes away hosts, and announces the module', async () => {
    const { editor, listed, changes } = await open();
    await editor.add(1, 1, three);
    expect(await editor.remove(1, 1, ['10.0.0.1:80', 'DB.example:80', '10.0.0.9:80'])).toMatchObject({ revision: 2, removed: 2 });
    expect(await listed()).toEqual(['1/1: 10.0.0.2:80']);
    expect(changes()).toEqual([
      [1, 1, 1],
      [1, 1, 2],
    ]);
  });

  test('a module takes away all its rows, duplicates and rows without sense too, and no other', async () => {
    const { editor, sql, rows } = await open();
    sql.exec('DROP INDEX RouteDataHost');
    for (const port of [80, 80, 0]) sql.prepare(INSERT_ROW).run(1, 1, 5, port);
    await editor.add(1, 2, [{ host: '10.0.0.1:80' }]);
    expect(await editor.remove(1, 1)).toMatchObject({ removed: 3, modules: 1 });
    expect(rows()).toHaveLength(1);
  });

  test('what is not there changes nothing', async () => {
    const { editor, revision } = await open();
    await editor.add(1, 1, three);
    expect(await editor.remove(1, 1, ['10.0.0.9:80'])).toEqual({ revision: 1, ...NOTHING });
    expect(await editor.remove(2, 1)).toEqual({ revision: 1, ...NOTHING });
    expect(await editor.remove(1, 1, [])).toEqual({ revision: 1, ...NOTHING });
    expect(revision()).toBe(1);
  });

  test('checks what it is told', async () => {
    const { editor } = await open();
    await expect(editor.remove(1.5, 1)).rejects.toMatchObject({ code: 'BAD_MODID' });
    await expect(editor.remove(1, 1, ['nonsense'])).rejects.toMatchObject({ code: 'BAD_HOST' });
  });

  test('everything announces every module that was ever heard of, each once', async () => {
    const { editor, sql, rows, changes } = await open();
    await editor.add(1, 1, three);
    await editor.remove(1, 1);
    sql.prepare(INSERT_ROW).run(2, 2, 5, 5);
    sql.exec('DELETE FROM RouteData');
    await editor.add(3, 3, three);
    expect(await editor.clear()).toEqual({ revision: 4, added: 0, updated: 0, removed: 3, modules: 1 });
    expect(rows()).toEqual([]);
    expect(changes().slice(-3).sort()).toEqual([
      [1, 1, 4],
      [2, 2, 4],
      [3, 3, 4],
    ]);
    expect(await editor.clear()).toMatchObject({ revision: 5, removed: 0 });
  });
});

describe('importing', () => {
  const before = [
    { modid: 1, cmdid: 1, host: '10.0.0.1:80', weight: 5, zone: 'eu' },
    { modid: 1, cmdid: 1, host: '10.0.0.2:80' },
    { modid: 2, cmdid: 1, host: '10.0.0.1:80' },
    { modid: 3, cmdid: 1, host: '10.0.0.1:80' },
  ];
  const entries = [
    { modid: 1, cmdid: 1, host: '10.0.0.1:80' },
    { modid: 3, cmdid: 1, host: '10.0.0.1:80' },
    { modid: 4, cmdid: 1, host: '10.0.0.4:80' },
  ];

  test("with 'add' keeps what is not named, and what is not told", async () => {
    const { editor, listed, changes } = await open();
    await editor.import(before, 'add');
    expect(await editor.import(entries, 'add')).toEqual({ revision: 2, added: 1, updated: 0, removed: 0, modules: 1 });
    expect(await listed()).toEqual(['1/1: 10.0.0.1:80 10.0.0.2:80', '2/1: 10.0.0.1:80', '3/1: 10.0.0.1:80', '4/1: 10.0.0.4:80']);
    expect(changes().slice(3)).toEqual([[4, 1, 2]]);
  });

  test.each([
    ['add', 0],
    ['replace', 1],
  ] as const)("with '%s' says to the removal guard that the table is meant as it is: %i times", async (mode, marks) => {
    const { editor, sql } = await open();
    await editor.import(before, 'add');
    await editor.import(entries, mode);
    expect(sql.prepare('SELECT count(*) FROM RouteEdit WHERE modid IS NULL AND cmdid IS NULL').pluck().get()).toBe(marks);
  });

  test("with 'replace' leaves just what is named, and announces just the modules that changed", async () => {
    const { editor, listed, changes } = await open();
    await editor.import(before, 'add');
    expect(await editor.import(entries, 'replace')).toEqual({ revision: 2, added: 1, updated: 1, removed: 2, modules: 3 });
    expect(await listed()).toEqual(['1/1: 10.0.0.1:80', '3/1: 10.0.0.1:80', '4/1: 10.0.0.4:80']);
    expect((await editor.list({ modid: 1 }))[0]?.hosts).toMatchObject([{ weight: 0, zone: '' }]);
    expect(changes().slice(3).sort()).toEqual([
      [1, 1, 2],
      [2, 1, 2],
      [4, 1, 2],
    ]);
    expect(await editor.import(entries, 'replace')).toEqual({ revision: 2, ...NOTHING });
  });

  test("with 'replace' cleans up: duplicates and rows without sense go", async () => {
    const { editor, sql, rows } = await open();
    sql.exec('DROP INDEX RouteDataHost');
    for (const port of [80, 80, 0]) sql.prepare(INSERT_ROW).run(1, 1, serverip('10.0.0.1'), port);
    sql.prepare(INSERT_ROW).run('one', 1, 5, 5);
    expect(await editor.import(entries.slice(0, 1), 'replace')).toMatchObject({ removed: 3, modules: 1 });
    expect(rows()).toHaveLength(1);
  });

  test('checks all before it writes any, and names the line', async () => {
    const { editor, rows } = await open();
    const bad = [...entries, { modid: 1, cmdid: 1, host: '10.0.0.1:99999', line: 17 }];
    await expect(editor.import(bad, 'replace')).rejects.toMatchObject({
      code: 'BAD_HOST',
      line: 17,
      message: "line 17: port 99999 in '10.0.0.1:99999' is not in 1..65535",
    });
    expect(rows()).toEqual([]);
  });

  test('takes a host that is named twice the same way, and refuses one that is named differently', async () => {
    const { editor, rows } = await open();
    const host = { modid: 1, cmdid: 1, host: '10.0.0.1:80', weight: 5, line: 3 };
    await expect(editor.import([host, { ...host, weight: 6, line: 9 }], 'add')).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'line 9: host 10.0.0.1:80 of module 1/1 has another weight, zone or drain than on line 3',
    });
    await expect(editor.import([host, { ...host, drain: true, line: 9 }], 'add')).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(rows()).toEqual([]);
    expect(await editor.import([host, { ...host, line: 9 }], 'add')).toMatchObject({ added: 1 });
  });

  test('of thousands of rows and back by export is the same', async () => {
    const { editor } = await open();
    const many = Array.from({ length: 12_000 }, (_, n) => ({
      modid: Math.floor(n / 4) - 1_000,
      cmdid: 1,
      host: `10.0.${n % 4}.1:${1 + (n % 60_000)}`,
      weight: n % 3,
      zone: `z${n % 2}`,
      ...(n % 5 === 0 ? { drain: true } : {}),
    }));
    expect(await editor.import(many, 'add')).toMatchObject({ added: 12_000, modules: 3_000 });
    expect(await editor.export()).toStrictEqual(many);
    expect(await editor.import(await editor.export(), 'replace')).toMatchObject(NOTHING);
    expect(await editor.import([], 'replace')).toMatchObject({ removed: 12_000, modules: 3_000 });
  });
});

test('listing shows what is served, in order, filtered by what is told', async () => {
  const { editor, sql } = await open();
  for (const [modid, cmdid] of [
    [2, 1],
    [1, 9],
    [1, 2],
    [-5, 1],
  ] as const)
    await editor.add(modid, cmdid, [{ host: '10.0.0.1:80' }]);
  sql.prepare(INSERT_ROW).run(1, 2, 5, 0);
  const modules = async (filter?: Parameters<typeof editor.list>[0]) =>
    (await editor.list(filter)).map(({ modid, cmdid }) => `${modid}/${cmdid}`);
  expect(await modules()).toEqual(['-5/1', '1/2', '1/9', '2/1']);
  expect(await modules({ modid: 1 })).toEqual(['1/2', '1/9']);
  expect(await modules({ cmdid: 1 })).toEqual(['-5/1', '2/1']);
  expect(await modules({ modid: 1, cmdid: 9 })).toEqual(['1/9']);
});

test('many editors at once lose nothing, and each change has a revision of its own', async () => {
  const file = tempFile();
  const editors = await Promise.all(Array.from({ length: 4 }, () => open(file)));
  const results = await Promise.all(
    editors.flatMap(({ editor }, n) => [1, 2, 3, 4, 5].map(port => editor.add(n, 1, [{ host: `10.0.0.1:${port}` }]))),
  );
  expect(results.map(result => result.revision).sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  expect(editors[0]?.rows()).toHaveLength(20);
});
