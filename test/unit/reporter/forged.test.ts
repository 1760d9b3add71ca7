/** Reports that nobody's agent sent: what they cannot do. */
import { statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HostLimit } from '../../../reporter/src/history/host-limit.ts';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { openSqliteStatusStore } from '../../../reporter/src/store/sqlite-status-store.ts';
import { MAX_SUM } from '../../../reporter/src/store/status-store.ts';
import { NOW_SEC, numbered, report, result } from './report-samples.ts';
import { startTestReporter, TestAgent, until } from './reporter-world.ts';
import { batch, historyRow } from './status-store-contract.ts';
import { temporaryFile } from './temporary-file.ts';

const HIGHEST = Number.MAX_SAFE_INTEGER;

async function world(store = new MemoryStatusStore()) {
  const reporter = await startTestReporter({ store });
  const [agent, forger] = [await TestAgent.connect(reporter), await TestAgent.connect(reporter)];
  const calls = async () => {
    const rows = await store.readHistory({ modid: 1, cmdid: 2, fromSec: 0, toSec: 2 * NOW_SEC });
    return rows.reduce((sum, { succ }) => sum + succ, 0);
  };
  return { store, reporter, agent, forger, calls };
}

const call = (seq: number) => numbered(seq, { results: [result({ succ: 1 })] });

describe("a forged report under an agent's name", () => {
  test('with the highest number ends its connection, and the agent is counted on', async () => {
    const { reporter, agent, forger, calls } = await world();
    agent.send(call(1));
    await agent.acked(1);
    forger.send(call(HIGHEST));
    await forger.closed;
    agent.send(call(2), call(3));
    await agent.acked(3);
    expect(await calls()).toBe(3);
    expect(reporter.counters.get('badNumbers')).toBe(1);
  });

  test('is refused also of an agent that is not connected now, and of one that the reporter knew before its restart', async () => {
    const { store, agent } = await world();
    agent.send(call(1));
    await agent.acked(1);
    const restarted = await world(store);
    restarted.forger.send(call(HIGHEST));
    await restarted.forger.closed;
    expect(restarted.reporter.stats().agents).toBe(0);
    restarted.agent.send(call(2));
    await restarted.agent.acked(2);
    expect(await restarted.calls()).toBe(2);
  });
});

describe('an agent still works', () => {
  test('whose first number is high, because the database is new', async () => {
    const { agent, calls } = await world();
    agent.send(call(123_456_789), call(123_456_790));
    await agent.acked(123_456_790);
    expect(await calls()).toBe(2);
  });

  test('whose number is ahead by what it can have sent since the backup that was restored', async () => {
    const store = new MemoryStatusStore();
    await store.write(batch({ agents: new Map([['agent-1', 10]]) }), NOW_SEC - 86_400);
    const { agent, calls } = await world(store);
    agent.send(call(50_000_000));
    await agent.acked(50_000_000);
    expect(await calls()).toBe(1);
  });

  test('of which some reports were lost on the way', async () => {
    const { agent } = await world();
    agent.send(call(1), call(900));
    await agent.acked(900);
  });
});

describe('text that garbles what it is shown in', () => {
  test.each(['agent\n1', 'a\u001b[2J', 'a\u0000', 'a\u202e'])('as the name of an agent, %j, ends the connection', async name => {
    const { reporter, forger } = await world();
    forger.send(numbered(1, { agent: name }));
    await forger.closed;
    expect(reporter.tcpCounters.get('closedBadBody')).toBe(1);
  });

  test.each(['db\n.example', 'db\u001b[2J', 'db example', 'db\u2028'])('as an addr, %j, is left out', async addr => {
    const { reporter, store, agent } = await world();
    agent.send(numbered(1, { results: [result({ addr, port: 1 }), result({ addr: 'db.example', port: 1 })] }));
    await agent.acked(1);
    expect((await store.readStatus(1, 2)).map(row => row.addr)).toEqual(['db.example']);
    expect(reporter.counters.get('rowsSkipped')).toBe(1);
  });
});

describe('sums', () => {
  test('stay at the largest exact number, in one batch and over many', async () => {
    const file = temporaryFile('lars.db');
    const store = await openSqliteStatusStore({ file, confKey: '[database] file' });
    const reporter = await startTestReporter({ store });
    const agent = await TestAgent.connect(reporter);
    const much = result({ succ: 2 ** 32 - 1, tcost: HIGHEST });
    for (let seq = 1; seq <= 20; seq++) agent.send(numbered(seq, { results: [much, much] }));
    await agent.acked(20);
    const sql = new Database(file, { readonly: true });
    onTestFinished(() => {
      sql.close();
    });
    sql.defaultSafeIntegers();
    const row = sql.prepare('SELECT tcost_ms, typeof(tcost_ms) AS type, succ FROM CallHistory').get();
    expect(row).toEqual({ tcost_ms: BigInt(HIGHEST), type: 'integer', succ: 40n * (2n ** 32n - 1n) });
  });

  test.each(['memory', 'SQLite'])('that would pass 2^63 do so in no batch (%s)', async kind => {
    const store =
      kind === 'memory'
        ? new MemoryStatusStore()
        : await openSqliteStatusStore({ file: temporaryFile('lars.db'), confKey: '[database] file' });
    onTestFinished(() => store.close());
    for (let i = 0; i < 3; i++) await store.write(batch({ history: [historyRow({ tcostMs: MAX_SUM, minute: 60 })] }), NOW_SEC);
    const { modid, cmdid } = historyRow({});
    const [row] = await store.readHistory({ modid, cmdid, fromSec: 0, toSec: 120 });
    expect(row?.tcostMs).toBe(MAX_SUM);
  });
});

describe('made-up hosts', () => {
  test('beyond the bound of their module are left out, those that are known are not', () => {
    const limit = new HostLimit({ maxPerModule: 3, maxAll: 5 });
    const admits = (modid: number, host: string, sec: number) => limit.admits(modid, 1, host as never, sec);
    expect(['a', 'b', 'c', 'd', 'a'].map(host => admits(1, host, 0))).toEqual([true, true, true, false, true]);
    expect(['a', 'b', 'c'].map(host => admits(2, host, 0))).toEqual([true, true, false]);
    // An hour later those that are still reported keep their place, and an hour after that the others' is free.
    expect([admits(1, 'a', 3_600), admits(1, 'd', 3_600)]).toEqual([true, false]);
    expect([admits(1, 'a', 7_200), admits(1, 'd', 7_200), admits(1, 'e', 7_200), admits(1, 'f', 7_200)]).toEqual([
      ...[true, true, true],
      false,
    ]);
  });

  test('fill no table', async () => {
    const { reporter, store, forger } = await world();
    const PER_REPORT = 100;
    for (let i = 0; i < 250; i++) {
      const results = Array.from({ length: PER_REPORT }, (_, n) => result({ ip: i * PER_REPORT + n + 1 }));
      forger.send(report({ results }));
    }
    await until(() => reporter.counters.get('results') === 25_000 && reporter.stats().queueRows === 0);
    expect(await store.readStatus(1, 2)).toHaveLength(20_000);
    expect(reporter.counters.get('rowsSkipped')).toBe(5_000);
  });
});

test('the database and its folder are for the user and the group alone', async () => {
  const file = path.join(path.dirname(temporaryFile('x')), 'made/data/lars.db');
  const store = await openSqliteStatusStore({ file, confKey: '[database] file' });
  onTestFinished(() => store.close());
  await store.write(batch({ history: [historyRow({})] }), NOW_SEC);
  const mode = (name: string) => (statSync(name).mode & 0o777).toString(8);
  expect([mode(path.dirname(file)), mode(file), mode(`${file}-wal`)]).toEqual(['750', '640', '640']);
});
