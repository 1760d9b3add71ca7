import { hostKey } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CallHistory, type CountedReport } from '../../../reporter/src/history/call-history.ts';
import { WriteQueue } from '../../../reporter/src/queue/write-queue.ts';
import type { HistoryRow, StatusRow } from '../../../reporter/src/store/status-store.ts';
import { arbitraryReport, ip, NOW_MINUTE, NOW_SEC, numbered, report, result } from './report-samples.ts';

function counted(one: Parameters<CallHistory['count']>[0]): CountedReport {
  return new CallHistory({ retentionSec: 7_200, maxCounters: 1_000 }).count(one, NOW_SEC);
}

function queue(limits: Partial<ConstructorParameters<typeof WriteQueue>[0]> = {}): WriteQueue {
  return new WriteQueue({ maxRows: 1_000, batchMaxRows: 1_000, ...limits });
}

describe('merging', () => {
  test('of the status the last report wins', () => {
    const q = queue();
    q.add(counted(numbered(1, { results: [result({ succ: 9, err: 9, overload: true, weight: 3, tcost: 90, probes: 2 })] })));
    q.add(counted(numbered(2, { ts: NOW_SEC + 15, results: [result({ succ: 1, weight: 50, tcost: 5 })] })));
    expect(q.head()?.status).toEqual([
      {
        ...{ modid: 1, cmdid: 2, ip: ip('10.0.0.1'), port: 80, addr: '', caller: ip('10.9.9.9') },
        ...{ succ: 1, err: 0, ts: NOW_SEC + 15, overload: false, weight: 50, tcostMs: 5, probes: 0 },
      },
    ]);
  });

  test('the history is summed, over callers too', () => {
    const q = queue();
    q.add(counted(numbered(1, { results: [result({ succ: 9, err: 1, overload: true, tcost: 90 })] })));
    q.add(counted(numbered(1, { agent: 'agent-2', caller: 7, results: [result({ succ: 1, err: 2, tcost: 5 })] })));
    expect(q.head()?.history).toEqual([
      {
        ...{ minute: NOW_MINUTE, modid: 1, cmdid: 2, ip: ip('10.0.0.1'), port: 80, addr: '' },
        ...{ succ: 10, err: 3, tcostMs: 95, overloaded: 1, reports: 2 },
      },
    ]);
  });

  test('of an agent the highest number counts', () => {
    const q = queue();
    for (const seq of [1, 2, 3]) q.add(counted(numbered(seq)));
    q.add(counted(numbered(8, { agent: 'agent-2' })));
    expect(q.head()?.agents).toEqual(
      new Map([
        ['agent-1', 3],
        ['agent-2', 8],
      ]),
    );
  });

  test('every part of a key tells rows apart', () => {
    const q = queue();
    q.add(counted(report()));
    q.add(counted(report({ modid: 2 })));
    q.add(counted(report({ cmdid: 1 })));
    q.add(counted(report({ results: [result({ ip: 5 }), result({ port: 5 }), result({ addr: 'db.example' })] })));
    q.add(counted(report({ caller: 5 })));
    q.add(counted(report({ ts: NOW_SEC - 60 })));
    // The caller is no part of the history's key, the minute none of the status's.
    expect(q.head()?.status).toHaveLength(7);
    expect(q.head()?.history).toHaveLength(7);
  });

  test('a report without results but with a number is to be stored, one without either is nothing', () => {
    const q = queue();
    q.add(counted(report({ results: [] })));
    expect(q.head()).toBeUndefined();
    q.add(counted(numbered(1, { results: [] })));
    expect(q.head()).toMatchObject({ rows: 1, reports: 1 });
  });
});

describe('batches', () => {
  test('a batch with enough rows is due and takes nothing more', () => {
    const q = queue({ batchMaxRows: 4 });
    q.add(counted(report({ results: [result({ port: 1 })] })));
    expect(q.due).toBe(false);
    q.add(counted(report({ results: [result({ port: 2 })] })));
    expect(q.due).toBe(true);
    q.add(counted(report({ results: [result({ port: 1, succ: 5 })] })));
    expect(q.head()?.status.map(row => row.port)).toEqual([1, 2]);
    q.drop();
    expect(q.due).toBe(false);
    expect(q.head()?.status.map(row => [row.port, row.succ])).toEqual([[1, 5]]);
  });

  test('the head stays until it is dropped, and what comes meanwhile is not in it', () => {
    const q = queue();
    q.add(counted(numbered(1)));
    const head = q.head();
    q.add(counted(numbered(2, { results: [result({ succ: 5 })] })));
    expect(q.head()).toBe(head);
    expect(head?.agents.get('agent-1')).toBe(1);
    expect(head?.status[0]?.succ).toBe(0);
    q.drop();
    expect(q.head()?.agents.get('agent-1')).toBe(2);
    q.drop();
    expect(q.head()).toBeUndefined();
    q.drop();
    expect(q).toMatchObject({ rows: 0, reports: 0 });
  });
});

describe('limits', () => {
  test('full by rows; relieved when half of them are stored', () => {
    const q = queue({ maxRows: 8, batchMaxRows: 4 });
    for (const port of [1, 2, 3]) q.add(counted(report({ results: [result({ port })] })));
    expect(q).toMatchObject({ rows: 6, full: false, relieved: false });
    q.add(counted(report({ results: [result({ port: 4 })] })));
    expect(q).toMatchObject({ rows: 8, full: true });
    q.drop();
    expect(q).toMatchObject({ rows: 4, full: false, relieved: true });
  });

  test('full by reports, though they merge into few rows', () => {
    const q = queue({ maxRows: 5 });
    for (let i = 0; i < 5; i++) q.add(counted(report()));
    expect(q).toMatchObject({ rows: 2, reports: 5, full: true });
    q.head();
    q.drop();
    expect(q).toMatchObject({ rows: 0, reports: 0, full: false, relieved: true });
  });
});

test('whatever comes and however it is cut into batches: counts are conserved, the last report wins, rows are counted', () => {
  type Step = { readonly kind: 'write' } | { readonly kind: 'add'; readonly report: Parameters<CallHistory['count']>[0] };
  const add = arbitraryReport(['a', 'b', 'c']).map((one): Step => ({ kind: 'add', report: { ...one, seq: one.seq + 1 } }));
  const step = fc.oneof({ weight: 1, arbitrary: fc.constant<Step>({ kind: 'write' }) }, { weight: 5, arbitrary: add });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (steps, batchMaxRows) => {
      const q = queue({ batchMaxRows });
      const stored = new Tables();
      const wanted = new Tables();
      for (const one of steps) {
        if (one.kind === 'add') {
          q.add(counted(one.report));
          wanted.addReport(one.report);
        } else stored.writeHead(q);
      }
      while (q.reports > 0) stored.writeHead(q);
      expect(stored).toEqual(wanted);
      expect(q.rows).toBe(0);
    }),
  );
});

/** The tables as the store would have them after a batch, and as the rules say it without queue and batches. */
class Tables {
  readonly status = new Map<string, StatusRow>();
  readonly history = new Map<string, Pick<HistoryRow, 'succ' | 'err' | 'tcostMs' | 'overloaded' | 'reports'>>();

  writeHead(q: WriteQueue): void {
    const rows = q.rows;
    const head = q.head();
    if (head === undefined) return;
    expect(new Set(head.status.map(statusKey)).size).toBe(head.status.length);
    expect(new Set(head.history.map(historyKey)).size).toBe(head.history.length);
    for (const row of head.status) this.status.set(statusKey(row), row);
    for (const row of head.history) this.#add(historyKey(row), row);
    q.drop();
    expect(q.rows).toBe(rows - head.status.length - head.history.length - head.agents.size);
  }

  addReport({ modid, cmdid, caller, ts, results }: Parameters<CallHistory['count']>[0]): void {
    for (const { tcost: tcostMs, overload, ...told } of results) {
      const ip = told.addr === '' ? told.ip >>> 0 : 0;
      const host = { modid, cmdid, ip, port: told.port, addr: told.addr };
      const status = { ...host, ...told, ip, caller: caller >>> 0, ts, overload, tcostMs };
      this.status.set(statusKey(status), status);
      const minute = ts - (ts % 60);
      const { succ, err } = told;
      this.#add(historyKey({ ...host, minute }), { succ, err, tcostMs, overloaded: Number(overload), reports: 1 });
    }
  }

  #add(key: string, row: Pick<HistoryRow, 'succ' | 'err' | 'tcostMs' | 'overloaded' | 'reports'>): void {
    const before = this.history.get(key) ?? { succ: 0, err: 0, tcostMs: 0, overloaded: 0, reports: 0 };
    this.history.set(key, {
      succ: before.succ + row.succ,
      err: before.err + row.err,
      tcostMs: before.tcostMs + row.tcostMs,
      overloaded: before.overloaded + row.overloaded,
      reports: before.reports + row.reports,
    });
  }
}

function statusKey(row: StatusRow): string {
  return [row.modid, row.cmdid, hostKey(row), row.caller].join(' ');
}

function historyKey(row: Pick<HistoryRow, 'minute' | 'modid' | 'cmdid' | 'ip' | 'port' | 'addr'>): string {
  return [row.minute, row.modid, row.cmdid, hostKey(row)].join(' ');
}
