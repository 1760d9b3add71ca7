import type { ReportStatusRequest } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import type { RunningReporter } from '../../../reporter/src/reporter.ts';
import { MemoryStatusStore } from '../../../reporter/src/store/memory-status-store.ts';
import { numbered, report, result } from './report-samples.ts';
import { Gate, startTestReporter, TestAgent, until } from './reporter-world.ts';

const MAX_ROWS = 100;
const CONF = `[queue]\nflush_interval = 1\nmax_rows = ${MAX_ROWS}\nbatch_max_rows = 40\n`;
/** Each report makes three rows: status, history, agent. What one read of a socket brings comes on top of the limit. */
const SOCKET_READ_REPORTS = 65_536 / 40;

async function world(conf = CONF) {
  const store = new MemoryStatusStore();
  const gate = new Gate();
  store.before = use => (use === 'write' ? gate.opened : undefined);
  const reporter = await startTestReporter({ store, conf });
  return { store, gate, reporter };
}

/** Reports with a host of their own each. */
function manyReports(count: number, of: (i: number) => ReportStatusRequest): ReportStatusRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    ...of(i),
    modid: 1 + (i >> 15),
    results: [result({ port: 1 + (i & 32_767), succ: 1 })],
  }));
}

async function storedCalls(store: MemoryStatusStore): Promise<number> {
  const rows = await Promise.all([1, 2, 3, 4].map(modid => store.readHistory({ modid, cmdid: 2, fromSec: 0, toSec: 2 ** 40 })));
  return rows.flat().reduce((sum, row) => sum + row.succ, 0);
}

/** What the reporter holds grows no more, though there is more to read. */
async function standsStill(reporter: RunningReporter): Promise<void> {
  await until(() => reporter.stats().paused);
  let before = -1;
  for (let quiet = 0; quiet < 10; ) {
    await new Promise(resolve => setImmediate(resolve));
    const reports = reporter.counters.get('reports');
    quiet = reports === before ? quiet + 1 : 0;
    before = reports;
  }
}

describe('while the database is slow', () => {
  test('memory stays bounded, the agents wait, and nothing is lost', async () => {
    const { store, gate, reporter } = await world();
    const agents = await Promise.all([1, 2, 3].map(() => TestAgent.connect(reporter)));
    const REPORTS = 6_000;
    for (const [a, agent] of agents.entries()) {
      agent.send(...manyReports(REPORTS, i => numbered(i + 1, { agent: `agent-${a}`, caller: a })));
    }
    await standsStill(reporter);
    const { queueRows, parkedResults } = reporter.stats();
    expect(queueRows + parkedResults).toBeLessThanOrEqual(MAX_ROWS + agents.length * 3 * SOCKET_READ_REPORTS);
    expect(reporter.counters.get('reports')).toBeLessThan(REPORTS);
    expect(agents.every(agent => agent.acks.length === 0)).toBe(true);

    gate.open();
    await Promise.all(agents.map(agent => agent.acked(REPORTS)));
    expect(await storedCalls(store)).toBe(agents.length * REPORTS);
    expect(reporter.stats()).toMatchObject({ queueRows: 0, paused: false });
    expect(reporter.counters.toObject()).toMatchObject({ reports: agents.length * REPORTS, rowsSkipped: 0, duplicates: 0 });
    expect(reporter.counters.get('pauses')).toBeGreaterThan(1);
  });

  test('agents without numbers wait too', async () => {
    const { store, gate, reporter } = await world();
    const agent = await TestAgent.connect(reporter);
    const REPORTS = 10_000;
    agent.send(...manyReports(REPORTS, () => report()));
    await standsStill(reporter);
    expect(reporter.stats().queueRows).toBeLessThanOrEqual(MAX_ROWS + 3 * SOCKET_READ_REPORTS);
    gate.open();
    await until(() => reporter.counters.get('reports') === REPORTS && reporter.stats().queueRows === 0);
    expect(await storedCalls(store)).toBe(REPORTS);
  });

  describe('of a connection that comes then', () => {
    const LATE = 6_000;

    async function comeLate() {
      const { store, gate, reporter } = await world();
      const early = await TestAgent.connect(reporter);
      early.send(...manyReports(1_000, i => numbered(i + 1)));
      await standsStill(reporter);
      const before = { reports: reporter.counters.get('reports'), rows: reporter.stats().queueRows };
      const late = await TestAgent.connect(reporter);
      const reports = manyReports(LATE, i => numbered(i + 1, { agent: 'agent-2', caller: 2 }));
      late.send(...reports);
      await until(() => late.greetings.length > 0);
      await standsStill(reporter);
      return { store, gate, reporter, early, late, reports, before };
    }

    test('no more is read before there is room than tells who it is', async () => {
      const { store, gate, reporter, early, late, before } = await comeLate();
      expect(late.greetings).toEqual([{ agent: 'agent-2', seq: 0 }]);
      expect(reporter.counters.get('reports') - before.reports).toBeLessThan(SOCKET_READ_REPORTS);
      expect(reporter.stats().queueRows).toBe(before.rows);
      gate.open();
      await Promise.all([early.acked(1_000), late.acked(LATE)]);
      expect(await storedCalls(store)).toBe(1_000 + LATE);
      expect(reporter.counters.get('duplicates')).toBe(0);
    });

    test('no more is read than the queue has room for, also when there is some room', async () => {
      const { store, gate, reporter, early, late, before } = await comeLate();
      late.socket.destroy();
      // They carry no number: nothing holds them up but the queue.
      const others = await Promise.all([1, 2, 3].map(() => TestAgent.connect(reporter)));
      for (const [caller, other] of others.entries()) other.send(...manyReports(LATE, () => report({ caller })));
      await until(() => reporter.stats().connections === 2 + others.length);
      await standsStill(reporter);
      expect(reporter.stats().queueRows).toBe(before.rows);
      let most = 0;
      store.before = use => {
        if (use === 'write') most = Math.max(most, reporter.stats().queueRows);
        return undefined;
      };
      gate.open();
      await early.acked(1_000);
      await until(
        () => reporter.counters.get('reports') >= before.reports + others.length * LATE && reporter.stats().queueRows === 0,
      );
      expect(most).toBeLessThan(MAX_ROWS + 2 * 3 * SOCKET_READ_REPORTS);
    });

    test('and goes before there is room, nothing is kept; when it comes again everything is stored once', async () => {
      const { store, gate, reporter, early, late, reports } = await comeLate();
      late.socket.destroy();
      const again = await TestAgent.connect(reporter);
      again.send(...reports);
      await until(() => again.greetings.length > 0);
      // The one that went is not kept, though nobody read that it went.
      await until(() => reporter.stats().connections === 2);
      gate.open();
      await Promise.all([early.acked(1_000), again.acked(LATE)]);
      expect(await storedCalls(store)).toBe(1_000 + LATE);
      expect(reporter.stats()).toMatchObject({ queueRows: 0, parkedResults: 0, paused: false });
    });
  });

  test('reports that merge into few rows are bounded by their number', async () => {
    const { gate, reporter } = await world('[queue]\nflush_interval = 1\nmax_rows = 50\n');
    const agent = await TestAgent.connect(reporter);
    agent.send(...Array.from({ length: 10_000 }, () => report()));
    await standsStill(reporter);
    expect(reporter.stats()).toMatchObject({ paused: true });
    expect(reporter.stats().queueRows).toBeLessThan(10);
    expect(reporter.stats().queueReports).toBeLessThan(10_000);
    gate.open();
    await until(() => reporter.counters.get('reports') === 10_000 && reporter.stats().queueReports === 0);
  });
});

describe('while the store does not say what it has of an agent', () => {
  test('its reports are held, bounded, and counted once when it does', async () => {
    const { store, gate, reporter } = await world();
    gate.open();
    const lookup = new Gate();
    store.before = use => (use === 'lastSeqs' ? lookup.opened : undefined);
    const agents = await Promise.all([1, 2].map(() => TestAgent.connect(reporter)));
    const REPORTS = 6_000;
    for (const [a, agent] of agents.entries()) {
      agent.send(...manyReports(REPORTS, i => numbered(i + 1, { agent: `agent-${a}`, caller: a })));
    }
    await standsStill(reporter);
    const { parkedResults, queueRows } = reporter.stats();
    expect(queueRows).toBe(0);
    expect(parkedResults).toBeLessThanOrEqual(MAX_ROWS + agents.length * 2 * SOCKET_READ_REPORTS);
    lookup.open();
    await Promise.all(agents.map(agent => agent.acked(REPORTS)));
    expect(await storedCalls(store)).toBe(agents.length * REPORTS);
    expect(reporter.stats()).toMatchObject({ parkedResults: 0, paused: false });
  });

  test('room in the queue does not make them come faster', async () => {
    const { store, gate, reporter } = await world('[queue]\nflush_interval = 1\nmax_rows = 8000\n');
    store.before = use => (use === 'write' ? gate.opened : new Promise(() => {}));
    const waiting = await TestAgent.connect(reporter);
    waiting.send(...Array.from({ length: 10_000 }, (_, i) => numbered(i + 1)));
    await until(() => reporter.stats().parkedResults > 0);
    const held = reporter.stats().parkedResults;
    const other = await TestAgent.connect(reporter);
    other.send(...manyReports(5_000, () => report()));
    await standsStill(reporter);
    gate.open();
    await until(() => reporter.stats().queueRows === 0 && !reporter.stats().paused);
    expect(reporter.stats().parkedResults).toBe(held);
  });

  test('two connections of one agent get one answer', async () => {
    const { store, gate, reporter } = await world();
    gate.open();
    const lookup = new Gate();
    let lookups = 0;
    store.before = use => {
      if (use !== 'lastSeqs') return;
      lookups += 1;
      return lookup.opened;
    };
    const agents = await Promise.all([1, 2].map(() => TestAgent.connect(reporter)));
    for (const agent of agents) agent.send(numbered(1, { results: [result({ succ: 5 })] }));
    await until(() => reporter.counters.get('reports') === 2);
    lookup.open();
    await until(() => agents.some(agent => agent.acks.length > 0));
    expect(lookups).toBe(1);
    expect(reporter.counters.get('duplicates')).toBe(1);
    expect(await storedCalls(store)).toBe(5);
  });
});
