import { describe, expect, test } from 'vitest';
import type { RunningReporter } from '../../../reporter/src/reporter.ts';
import { reporterHealth } from '../../../reporter/src/reporter-health.ts';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { openSqliteStatusStore } from '../../../reporter/src/store/sqlite-status-store.ts';
import type { HistoryRow, StatusStore } from '../../../reporter/src/store/status-store.ts';
import { ip, NOW_MINUTE, NOW_SEC, numbered, report, result } from './report-samples.ts';
import { Gate, startTestReporter, TestAgent, until } from './reporter-world.ts';
import { temporaryFile } from './temporary-file.ts';

function history(store: StatusStore): Promise<HistoryRow[]> {
  return store.readHistory({ modid: 1, cmdid: 2, fromSec: 0, toSec: 2 ** 40 });
}

async function world(conf = '') {
  const store = new MemoryStatusStore();
  const reporter = await startTestReporter({ store, conf });
  return { store, reporter, agent: await TestAgent.connect(reporter) };
}

/** Lets the next write begin and holds it there. */
function holdWrites(store: MemoryStatusStore): { readonly begun: () => boolean; readonly gate: Gate } {
  const gate = new Gate();
  let begun = false;
  store.before = use => {
    if (use !== 'write') return;
    begun = true;
    return gate.opened;
  };
  return { begun: () => begun, gate };
}

describe('acknowledgement', () => {
  test('comes when the report is stored, not before', async () => {
    const { store, agent } = await world();
    const { begun, gate } = holdWrites(store);
    agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await until(begun);
    expect(agent.acks).toEqual([]);
    gate.open();
    await agent.acked(1);
    expect(await store.readStatus(1, 2)).toMatchObject([{ succ: 5 }]);
    expect(await store.lastSeqs(['agent-1'])).toEqual(new Map([['agent-1', 1]]));
  });

  test('covers all lower numbers: one for the batch', async () => {
    const { reporter, agent } = await world('[queue]\nflush_interval = 50\n');
    agent.send(numbered(1), numbered(2), numbered(3));
    await agent.acked(3);
    expect(agent.acks).toEqual([{ agent: 'agent-1', seq: 3 }]);
    expect(reporter.counters.toObject()).toMatchObject({ reports: 3, acks: 1, flushes: 1, duplicates: 0 });
  });

  test('is for a report with number and name alone', async () => {
    const { agent } = await world();
    agent.send(report(), report({ seq: 4 }), report({ agent: 'agent-1' }), numbered(1));
    await agent.acked(1);
    expect(agent.acks).toEqual([{ agent: 'agent-1', seq: 1 }]);
  });

  test('of what is stored so far comes at once with the first numbered report of a connection, be it of nothing', async () => {
    const { store, reporter, agent } = await world();
    agent.send(numbered(1), numbered(2));
    await agent.acked(2);
    const { begun, gate } = holdWrites(store);
    agent.send(numbered(3));
    await until(begun);
    const again = await TestAgent.connect(reporter);
    again.send(report(), numbered(3));
    await again.acked(2);
    expect(again.acks).toEqual([{ agent: 'agent-1', seq: 2 }]);
    gate.open();
    await again.acked(3);
    expect([agent.greetings, again.greetings]).toEqual([[{ agent: 'agent-1', seq: 0 }], []]);
  });

  test('is for a report without results too', async () => {
    const { agent } = await world();
    agent.send(numbered(1, { results: [] }));
    await agent.acked(1);
  });

  test('goes to each agent, over one connection too', async () => {
    const { agent, reporter } = await world();
    const other = await TestAgent.connect(reporter);
    agent.send(numbered(1), numbered(7, { agent: 'agent-2' }), numbered(2), numbered(8, { agent: 'agent-2' }));
    other.send(numbered(3, { agent: 'agent-3' }));
    await Promise.all([agent.acked(2, 'agent-1'), agent.acked(8, 'agent-2'), other.acked(3, 'agent-3')]);
    expect(other.acks).toEqual([{ agent: 'agent-3', seq: 3 }]);
    expect(reporter.counters.get('duplicates')).toBe(0);
  });
});

describe('a report that comes again counts once', () => {
  test('while it waits to be stored', async () => {
    const { store, reporter, agent } = await world();
    const { begun, gate } = holdWrites(store);
    agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await until(begun);
    agent.send(numbered(1, { results: [result({ succ: 5 })] }), numbered(2, { results: [result({ succ: 1 })] }));
    agent.send(numbered(2, { results: [result({ succ: 1 })] }));
    await until(() => reporter.counters.get('reports') === 4);
    gate.open();
    await agent.acked(2);
    expect(await history(store)).toMatchObject([{ succ: 6, reports: 2 }]);
    expect(reporter.counters.get('duplicates')).toBe(2);
  });

  test('after it was stored: it is acknowledged again, and does not replace what came later', async () => {
    const { store, reporter, agent } = await world();
    agent.send(numbered(1, { results: [result({ succ: 5 })] }), numbered(2, { results: [result({ succ: 1 })] }));
    await agent.acked(2);
    agent.acks.length = 0;
    agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await agent.acked(2);
    expect(await history(store)).toMatchObject([{ succ: 6, reports: 2 }]);
    expect(await store.readStatus(1, 2)).toMatchObject([{ succ: 1 }]);
    expect(reporter.counters.get('duplicates')).toBe(1);
  });

  test('over a new connection, which then gets the acknowledgement', async () => {
    const { store, reporter, agent } = await world();
    const { begun, gate } = holdWrites(store);
    const reports = [1, 2, 3].map(seq => numbered(seq, { results: [result({ succ: seq })] }));
    agent.send(...reports);
    await until(() => begun() && reporter.counters.get('reports') === 3);
    agent.socket.destroy();
    const back = await TestAgent.connect(reporter);
    back.send(...reports, numbered(4, { results: [result({ succ: 4 })] }));
    await until(() => reporter.counters.get('reports') === 7);
    gate.open();
    await back.acked(4);
    expect(await history(store)).toMatchObject([{ succ: 10, reports: 4 }]);
  });

  test('after a restart of the reporter on the same file', async () => {
    const file = temporaryFile('lars.db');
    const conf = `[database]\nfile = ${file}\n`;
    const before = await startTestReporter({ conf });
    const agent = await TestAgent.connect(before);
    const reports = [1, 2, 3].map(seq => numbered(seq, { results: [result({ succ: seq })] }));
    agent.send(...reports);
    await agent.acked(3);
    await before.stop();

    const after = await startTestReporter({ conf });
    const back = await TestAgent.connect(after);
    back.send(...reports);
    await back.acked(3);
    back.send(numbered(4, { results: [result({ succ: 4 })] }));
    await back.acked(4);
    expect(after.counters.toObject()).toMatchObject({ reports: 4, duplicates: 3 });
    await after.stop();
    const store = await openSqliteStatusStore({ file, confKey: '[database] file' });
    expect(await history(store)).toMatchObject([{ succ: 10, reports: 4 }]);
    await store.close();
  });

  test('agents that are gone are not kept in memory', async () => {
    const { reporter, agent } = await world();
    agent.send(numbered(1), numbered(1, { agent: 'agent-2' }));
    await agent.acked(1, 'agent-2');
    expect(reporter.stats().agents).toBe(1);
    agent.socket.end();
    await until(() => reporter.stats().connections === 0);
    expect(reporter.stats().agents).toBe(0);
  });
});

describe('reports without a number: the deployed agents', () => {
  test('the last report stands in the status, the history has what was added', async () => {
    const { store, reporter, agent } = await world();
    const told = [
      { succ: 1, err: 0 },
      { succ: 10, err: 2 },
      // The window has ended.
      { succ: 3, err: 0 },
      // The host has changed sides.
      { succ: 0, err: 0, overload: true },
      { succ: 0, err: 4, overload: true },
    ];
    for (const [i, counts] of told.entries()) {
      agent.send(report({ ts: NOW_SEC + i, results: [result(counts)] }));
      await until(() => reporter.counters.get('flushes') === i + 1);
    }
    expect(await store.readStatus(1, 2)).toMatchObject([{ succ: 0, err: 4, overload: true, ts: NOW_SEC + 4 }]);
    expect(await history(store)).toMatchObject([{ succ: 13, err: 6, overloaded: 2, reports: 5 }]);
    expect(agent.acks).toEqual([]);
    expect(reporter.stats().rememberedCounters).toBe(1);
  });

  test('callers have a status each and one history', async () => {
    const { store, reporter, agent } = await world();
    agent.send(report({ caller: 1, results: [result({ succ: 5 })] }), report({ caller: -1, results: [result({ succ: 7 })] }));
    await until(() => reporter.stats().rowsStored === 3);
    expect(await store.readStatus(1, 2)).toMatchObject([
      { caller: 1, succ: 5 },
      { caller: 4_294_967_295, succ: 7 },
    ]);
    expect(await history(store)).toMatchObject([{ succ: 12, reports: 2 }]);
  });

  test('what is remembered of them is bounded by the conf', async () => {
    const { reporter, agent } = await world('[history]\nmax_counters = 2\n');
    agent.send(report({ results: [1, 2, 3].map(port => result({ port })) }));
    await until(() => reporter.counters.get('countersForgotten') === 1);
    expect(reporter.stats().rememberedCounters).toBe(2);
  });
});

describe('what makes no sense is counted', () => {
  test('results that no table can hold are left out, the rest of the report is stored and acknowledged', async () => {
    const { store, reporter, agent } = await world();
    agent.send(
      numbered(1, { results: [result({ port: 0 }), result({ port: 70_000 }), result({ ip: 0 }), result({ port: 81 })] }),
    );
    await agent.acked(1);
    expect(await store.readStatus(1, 2)).toMatchObject([{ port: 81 }]);
    expect(reporter.counters.toObject()).toMatchObject({ results: 4, rowsSkipped: 3 });
  });

  test.each([0, NOW_SEC + 7_200, NOW_SEC - 73 * 3_600])('a report of time %d is filed under now', async ts => {
    const { store, reporter, agent } = await world();
    agent.send(numbered(1, { ts }));
    await agent.acked(1);
    expect(await history(store)).toMatchObject([{ minute: NOW_MINUTE }]);
    expect(await store.readStatus(1, 2)).toMatchObject([{ ts }]);
    expect(reporter.counters.get('badTimestamps')).toBe(1);
  });

  test('a host with an addr is stored with its addr', async () => {
    const { store, agent } = await world();
    agent.send(
      numbered(1, { results: [result({ addr: '2001:db8::1', port: 443, succ: 5 }), result({ ip: ip('192.168.1.177') })] }),
    );
    await agent.acked(1);
    expect(await store.readStatus(1, 2)).toMatchObject([
      { ip: 0xc0a801b1, addr: '' },
      { ip: 0, addr: '2001:db8::1', port: 443, succ: 5 },
    ]);
  });
});

test('many agents at once: every call is counted once', async () => {
  const { store, reporter } = await world('[queue]\nflush_interval = 1\nbatch_max_rows = 20\n');
  const AGENTS = 10;
  const REPORTS = 50;
  await Promise.all(
    Array.from({ length: AGENTS }, async (_, a) => {
      const agent = await TestAgent.connect(reporter);
      for (let seq = 1; seq <= REPORTS; seq++) {
        const results = [result({ succ: 1 }), result({ port: 81, err: 1 })];
        agent.send(numbered(seq, { agent: `agent-${a}`, caller: a, modid: 1, results }));
      }
      await agent.acked(REPORTS);
    }),
  );
  expect(await history(store)).toMatchObject([
    { port: 80, succ: AGENTS * REPORTS, reports: AGENTS * REPORTS },
    { port: 81, err: AGENTS * REPORTS },
  ]);
  expect(await store.readStatus(1, 2)).toHaveLength(2 * AGENTS);
  expectConsistent(reporter, AGENTS * REPORTS);
});

function expectConsistent(reporter: RunningReporter, reports: number): void {
  expect(reporter.counters.toObject()).toMatchObject({ reports, results: 2 * reports, duplicates: 0, flushErrors: 0 });
  expect(reporter.stats()).toMatchObject({ queueRows: 0, queueReports: 0, parkedResults: 0, paused: false });
}

test('a machine whose reports are dated ahead shows in the health', async () => {
  const { reporter, agent } = await world();
  agent.send(report({ ts: NOW_SEC + 900 }), numbered(1));
  await agent.acked(1);
  expect(reporter.stats().clockSkew).toBeUndefined();
  agent.send(numbered(2, { ts: NOW_SEC + 90 }));
  await agent.acked(2);
  expect(reporter.stats().clockSkew).toEqual({ caller: ip('10.9.9.9'), aheadSec: 90 });
  const health = reporterHealth(reporter.stats(), 0, {});
  expect(health).toMatchObject({ status: 'ok', details: { clockSkew: '10.9.9.9 is 90 s ahead' } });
});
