import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openSqliteStatusStore } from '../../../reporter/src/store/sqlite-status-store.ts';
import type { StatusStore } from '../../../reporter/src/store/status-store.ts';
import { NOW_MINUTE, NOW_SEC } from './report-samples.ts';
import { batch, historyRow, statusRow } from './status-store-contract.ts';
import { temporaryFile } from './temporary-file.ts';

const DEPLOYED = ['modid', 'cmdid', 'ip', 'port', 'caller', 'succ_cnt', 'err_cnt', 'ts', 'overload'];
const DEPLOYED_TABLE = `CREATE TABLE ServerCallStatus (
  modid int NOT NULL, cmdid int NOT NULL, ip int unsigned NOT NULL, port int NOT NULL,
  caller int unsigned NOT NULL, succ_cnt int NOT NULL, err_cnt int NOT NULL, ts bigint NOT NULL,
  overload char(1) NOT NULL, PRIMARY KEY (modid, cmdid, ip, port, caller))`;

async function open(file: string): Promise<StatusStore> {
  const store = await openSqliteStatusStore({ file, confKey: '[database] file' });
  onTestFinished(() => store.close());
  return store;
}

/** Another program's connection to the same file. */
function openSql(file: string): Database.Database {
  const sql = new Database(file, { timeout: 0 });
  onTestFinished(() => {
    sql.close();
  });
  return sql;
}

function columns(sql: Database.Database, table: string): unknown[] {
  return sql.prepare('SELECT name FROM pragma_table_info(?) ORDER BY cid').pluck().all(table);
}

describe('the tables', () => {
  test('begin with the deployed columns; ours stand behind them', async () => {
    const file = temporaryFile('lars.db');
    await open(file);
    const sql = openSql(file);
    expect(columns(sql, 'ServerCallStatus')).toEqual([...DEPLOYED, 'weight', 'tcost', 'probes']);
    expect(columns(sql, 'AddrCallStatus')).toEqual([
      ...DEPLOYED.map(column => (column === 'ip' ? 'addr' : column)),
      ...['weight', 'tcost', 'probes'],
    ]);
    expect(columns(sql, 'AgentReport')).toEqual(['agent', 'seq', 'ts']);
  });

  test('are made once: opening again changes nothing', async () => {
    const file = temporaryFile('lars.db');
    await open(file);
    const sql = openSql(file);
    const before = sql.pragma('schema_version', { simple: true });
    await open(file);
    expect(sql.pragma('schema_version', { simple: true })).toBe(before);
  });

  test('a table with only the deployed columns keeps its rows and gets ours', async () => {
    const file = temporaryFile('lars.db');
    const sql = openSql(file);
    sql.exec(DEPLOYED_TABLE);
    sql.exec(`INSERT INTO ServerCallStatus VALUES (1, 2, 3232235953, 80, 168364297, 5, 1, ${NOW_SEC}, '1')`);
    const store = await open(file);
    const before = statusRow({ ip: 3_232_235_953, overload: true, weight: 0, tcostMs: 0, probes: 0 });
    expect(await store.readStatus(1, 2)).toEqual([before]);
    const after = statusRow({ ip: 3_232_235_953, succ: 9, overload: false });
    await store.write(batch({ status: [after] }), NOW_SEC);
    expect(await store.readStatus(1, 2)).toEqual([after]);
  });

  test("somebody else's columns behind ours are left alone", async () => {
    const file = temporaryFile('lars.db');
    const sql = openSql(file);
    sql.exec(DEPLOYED_TABLE);
    sql.exec("ALTER TABLE ServerCallStatus ADD COLUMN remark TEXT DEFAULT 'none'");
    const store = await open(file);
    await store.write(batch({ status: [statusRow()] }), NOW_SEC);
    sql.exec("UPDATE ServerCallStatus SET remark = 'kept'");
    await store.write(batch({ status: [statusRow({ succ: 9 })] }), NOW_SEC);
    expect(sql.prepare('SELECT succ_cnt, remark FROM ServerCallStatus').get()).toEqual({ succ_cnt: 9, remark: 'kept' });
  });

  test('have no name of an agent, and those of an earlier version are hashed', async () => {
    const file = temporaryFile('lars.db');
    const store = await open(file);
    await store.write(batch({ agents: new Map([['10.0.0.1-new', 3]]) }), NOW_SEC);
    const sql = openSql(file);
    const names = () => sql.prepare('SELECT agent FROM AgentReport ORDER BY seq').pluck().all().map(String);
    expect(names()).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    sql.exec("UPDATE SchemaVersion SET version = 1; INSERT INTO AgentReport VALUES ('10.0.0.1-old', 5, 1)");
    const later = await open(file);
    expect(await later.lastSeqs(['10.0.0.1-old'])).toEqual(new Map([['10.0.0.1-old', 5]]));
    expect(names()).toEqual(Array.from({ length: 2 }, () => expect.stringMatching(/^[0-9a-f]{64}$/)));
  });

  test('hold integers, however large, and addresses unsigned', async () => {
    const file = temporaryFile('lars.db');
    const store = await open(file);
    const large = 2 ** 32 - 1;
    const status = [statusRow({ ip: large, caller: large, succ: large, tcostMs: 2 ** 53 - 1 })];
    const history = [historyRow({ ip: large, succ: large, tcostMs: 2 ** 53 - 1 })];
    for (const _ of [1, 2]) await store.write(batch({ status, history, agents: new Map([['a', 2 ** 53 - 1]]) }), NOW_SEC);
    const sql = openSql(file);
    for (const table of ['ServerCallStatus', 'CallHistory', 'AgentReport']) {
      const names = columns(sql, table).filter(name => name !== 'addr' && name !== 'agent');
      const types = sql
        .prepare(`SELECT ${names.map(name => `typeof(${name})`).join(', ')} FROM ${table}`)
        .raw()
        .get();
      expect(types).toEqual(names.map(() => 'integer'));
    }
    expect(sql.prepare('SELECT ip, caller, overload FROM ServerCallStatus').get()).toEqual({
      ip: large,
      caller: large,
      overload: 0,
    });
    expect(sql.prepare('SELECT succ FROM CallHistory').get()).toEqual({ succ: 2 * large });
  });

  test('a host with an addr is not in ServerCallStatus, where it would need an ip', async () => {
    const file = temporaryFile('lars.db');
    await (await open(file)).write(batch({ status: [statusRow({ ip: 0, addr: 'db.example' })] }), NOW_SEC);
    expect(openSql(file).prepare('SELECT count(*) FROM ServerCallStatus').pluck().get()).toBe(0);
  });

  test('a table without the key is refused with the file and the conf key', async () => {
    const file = temporaryFile('lars.db');
    openSql(file).exec(DEPLOYED_TABLE.replace(', PRIMARY KEY (modid, cmdid, ip, port, caller)', ''));
    await expect(open(file)).rejects.toThrow(
      expect.objectContaining({
        name: 'StartupError',
        message: expect.stringMatching(/lars\.db \(\[database\] file\) .*ON CONFLICT/),
      }),
    );
  });

  test('a file that is no database is refused', async () => {
    await expect(open(fileURLToPath(import.meta.url))).rejects.toThrow(expect.objectContaining({ name: 'StartupError' }));
  });
});

describe('one transaction', () => {
  test('a batch that fails in its last row leaves nothing behind, and can be written again', async () => {
    const file = temporaryFile('lars.db');
    const store = await open(file);
    const sql = openSql(file);
    const wanted = batch({ status: [statusRow()], history: [historyRow()], agents: new Map([['a', 5]]) });
    sql.exec("CREATE TRIGGER refuse BEFORE INSERT ON AgentReport BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    await expect(store.write(wanted, NOW_SEC)).rejects.toThrow('disk full');
    expect(await store.readStatus(1, 2)).toEqual([]);
    sql.exec('DROP TRIGGER refuse');
    await store.write(wanted, NOW_SEC);
    const history = await store.readHistory({ modid: 1, cmdid: 2, fromSec: NOW_MINUTE, toSec: NOW_MINUTE + 60 });
    expect(history).toEqual([historyRow()]);
    expect(await store.lastSeqs(['a'])).toEqual(new Map([['a', 5]]));
  });

  test('while another writer holds the file a write gives up soon, other work goes on meanwhile, and reads still work', async () => {
    const file = temporaryFile('lars.db');
    const store = await open(file);
    await store.write(batch({ status: [statusRow()] }), NOW_SEC);
    const other = openSql(file);
    other.exec('BEGIN IMMEDIATE');
    const writing = store.write(batch({ status: [statusRow({ succ: 9 })] }), NOW_SEC);
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    onTestFinished(() => clearInterval(timer));
    await expect(writing).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    expect(turns).toBeGreaterThan(2);
    expect(await store.readStatus(1, 2)).toEqual([statusRow()]);
    other.exec('COMMIT');
    await store.write(batch({ status: [statusRow({ succ: 9 })] }), NOW_SEC);
    expect(await store.readStatus(1, 2)).toEqual([statusRow({ succ: 9 })]);
  });
});

describe('several processes', () => {
  const OPEN = `
    import { openSqliteStatusStore } from '${new URL('../../../reporter/src/store/sqlite-status-store.ts', import.meta.url).href}';
    const store = await openSqliteStatusStore({ file: process.argv[1], confKey: '[database] file' });
    await store.write({ status: [], history: [], agents: new Map([[String(process.pid), 1]]) }, 1);
    await store.close();
    console.log(process.pid);`;

  const openInProcess = (file: string) =>
    promisify(execFile)(process.execPath, ['--conditions=source', '--input-type=module', '-e', OPEN, file]);

  test.each([
    { what: 'no file', sql: '' },
    { what: 'a table with only the deployed columns', sql: DEPLOYED_TABLE },
  ])('may start at the same moment with $what', async ({ sql }) => {
    const file = temporaryFile('lars.db');
    if (sql !== '') openSql(file).exec(sql);
    const ended = await Promise.all([1, 2, 3, 4].map(() => openInProcess(file)));
    const agents = ended.map(({ stdout }) => stdout.trim());
    expect(await (await open(file)).lastSeqs(agents)).toEqual(new Map(agents.map(agent => [agent, 1])));
    expect(columns(openSql(file), 'ServerCallStatus')).toEqual([...DEPLOYED, 'weight', 'tcost', 'probes']);
  });
});

test('a module`s status has at most 100,000 rows, of hosts with an ip and of those with an addr together', async () => {
  const file = temporaryFile('lars.db');
  const store = await open(file);
  const sql = openSql(file);
  const counts = 'succ_cnt, err_cnt, ts, overload';
  sql.exec(`INSERT INTO ServerCallStatus (modid, cmdid, ip, port, caller, ${counts})
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) SELECT 1, 2, i, 80, 1, 1, 0, 1, 0 FROM n`);
  for (const addr of ['a.example', 'b.example'])
    sql
      .prepare(`INSERT INTO AddrCallStatus (modid, cmdid, addr, port, caller, ${counts}) VALUES (1, 2, ?, 80, 1, 1, 0, 1, 0)`)
      .run(addr);
  const rows = await store.readStatus(1, 2);
  expect([rows.length, rows.at(-1)?.addr]).toEqual([100_000, 'a.example']);
});

test('tables that a newer program has made are refused, with both versions', async () => {
  const file = temporaryFile('lars.db');
  await (await open(file)).close();
  openSql(file).exec("UPDATE SchemaVersion SET version = 9 WHERE part = 'reports'");
  await expect(openSqliteStatusStore({ file, confKey: '[database] file' })).rejects.toThrow(
    /lars\.db has schema version 9 of its reports, and this program knows versions up to 2: use a newer one$/,
  );
});
