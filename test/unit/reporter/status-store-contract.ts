/** What every StatusStore must do, said once and run over all of them. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { HistoryRow, StatusBatch, StatusRow, StatusStore } from '../../../reporter/src/store/status-store.ts';
import { ip, NOW_MINUTE, NOW_SEC } from './report-samples.ts';

export function statusRow(fields: Partial<StatusRow> = {}): StatusRow {
  return {
    ...{ modid: 1, cmdid: 2, ip: 0x0a000001, port: 80, addr: '', caller: 0x0a090909, succ: 5, err: 1, ts: NOW_SEC },
    ...{ overload: false, weight: 100, tcostMs: 70, probes: 2 },
    ...fields,
  };
}

export function historyRow(fields: Partial<HistoryRow> = {}): HistoryRow {
  return {
    ...{ minute: NOW_MINUTE, modid: 1, cmdid: 2, ip: 0x0a000001, port: 80, addr: '' },
    ...{ succ: 5, err: 1, tcostMs: 70, overloaded: 1, reports: 1 },
    ...fields,
  };
}

export function batch(fields: Partial<StatusBatch> = {}): StatusBatch {
  return { status: [], history: [], agents: new Map(), ...fields };
}

const DAY = { modid: 1, cmdid: 2, fromSec: NOW_MINUTE - 43_200, toSec: NOW_MINUTE + 43_200 };
const NOTHING_OLD = { historyBeforeSec: 0, agentsBeforeSec: 0, maxRows: 100 };

export function statusStoreContract(name: string, open: () => StatusStore | Promise<StatusStore>): void {
  const opened = async (): Promise<StatusStore> => {
    const store = await open();
    onTestFinished(() => store.close());
    return store;
  };

  describe(`${name}: status`, () => {
    test('reads back what was written, field by field', async () => {
      const store = await opened();
      const rows = [statusRow(), statusRow({ port: 81, overload: true, ts: 2 ** 32 - 1 })];
      await store.write(batch({ status: rows }), NOW_SEC);
      expect(await store.readStatus(1, 2)).toEqual(rows);
    });

    test('the last row of a key wins: counts are replaced, not added', async () => {
      const store = await opened();
      await store.write(batch({ status: [statusRow({ overload: true })] }), NOW_SEC);
      const last = statusRow({ succ: 2, err: 0, ts: NOW_SEC + 15, weight: 7, tcostMs: 3, probes: 0 });
      await store.write(batch({ status: [last] }), NOW_SEC);
      expect(await store.readStatus(1, 2)).toEqual([last]);
    });

    test('every part of the key tells rows apart', async () => {
      const store = await opened();
      const rows = [
        statusRow(),
        statusRow({ caller: 1 }),
        statusRow({ port: 81 }),
        statusRow({ ip: 2 }),
        statusRow({ ip: 0, addr: 'db.example' }),
        statusRow({ ip: 0, addr: 'db.example', caller: 1 }),
        statusRow({ ip: 0, addr: 'db.example', port: 81 }),
        statusRow({ ip: 0, addr: '2001:db8::1' }),
      ];
      await store.write(batch({ status: [...rows, statusRow({ modid: 2 }), statusRow({ cmdid: 1 })] }), NOW_SEC);
      const found = await store.readStatus(1, 2);
      expect(found).toHaveLength(rows.length);
      expect(found).toEqual(expect.arrayContaining(rows));
      expect(await store.readStatus(2, 2)).toEqual([statusRow({ modid: 2 })]);
      expect(await store.readStatus(1, 1)).toEqual([statusRow({ cmdid: 1 })]);
    });

    test('rows come in the order of the key, hosts with an addr last', async () => {
      const store = await opened();
      const rows = [
        statusRow({ ip: 1, port: 9, caller: 9 }),
        statusRow({ ip: 2, port: 1, caller: 5 }),
        statusRow({ ip: 2, port: 1, caller: 6 }),
        statusRow({ ip: 2, port: 2, caller: 1 }),
        statusRow({ ip: 0, addr: 'a.example' }),
        statusRow({ ip: 0, addr: 'b.example' }),
      ];
      await store.write(batch({ status: rows.toReversed() }), NOW_SEC);
      expect(await store.readStatus(1, 2)).toEqual(rows);
    });

    test('a host with an addr is replaced like any other', async () => {
      const store = await opened();
      await store.write(batch({ status: [statusRow({ ip: 0, addr: 'db.example' })] }), NOW_SEC);
      const last = statusRow({ ip: 0, addr: 'db.example', succ: 9, overload: true });
      await store.write(batch({ status: [last] }), NOW_SEC);
      expect(await store.readStatus(1, 2)).toEqual([last]);
    });

    test('all numbers that the wire can say fit', async () => {
      const store = await opened();
      const widest = statusRow({
        ...{ modid: -(2 ** 31), cmdid: 2 ** 31 - 1, ip: ip('255.255.255.255') >>> 0, port: 65_535, caller: 2 ** 32 - 1 },
        ...{
          succ: 2 ** 32 - 1,
          err: 2 ** 32 - 1,
          ts: 2 ** 32 - 1,
          weight: 2 ** 32 - 1,
          tcostMs: 2 ** 53 - 1,
          probes: 2 ** 32 - 1,
        },
      });
      await store.write(batch({ status: [widest] }), NOW_SEC);
      expect(await store.readStatus(-(2 ** 31), 2 ** 31 - 1)).toEqual([widest]);
    });

    test.each([1, 15, 16, 17, 100])('%d rows in one batch', async count => {
      const store = await opened();
      const status = Array.from({ length: count }, (_, i) => statusRow({ port: i + 1, succ: i }));
      const history = Array.from({ length: count }, (_, i) => historyRow({ port: i + 1, succ: i }));
      await store.write(batch({ status, history }), NOW_SEC);
      expect(await store.readStatus(1, 2)).toEqual(status);
      expect(await store.readHistory(DAY)).toEqual(history);
    });

    test('a module without reports has no rows', async () => {
      const store = await opened();
      expect(await store.readStatus(1, 2)).toEqual([]);
      expect(await store.readHistory(DAY)).toEqual([]);
    });
  });

  describe(`${name}: history`, () => {
    test('counts are added to what is there', async () => {
      const store = await opened();
      await store.write(batch({ history: [historyRow()] }), NOW_SEC);
      await store.write(batch({ history: [historyRow({ succ: 1, err: 2, tcostMs: 3, overloaded: 0, reports: 4 })] }), NOW_SEC);
      expect(await store.readHistory(DAY)).toEqual([historyRow({ succ: 6, err: 3, tcostMs: 73, overloaded: 1, reports: 5 })]);
    });

    test('every part of the key tells rows apart, and rows come by minute and host', async () => {
      const store = await opened();
      const rows = [
        historyRow({ minute: NOW_MINUTE - 60, port: 99 }),
        historyRow({ ip: 0, addr: '2001:db8::1' }),
        historyRow({ ip: 0, addr: 'db.example' }),
        historyRow(),
        historyRow({ port: 81 }),
        historyRow({ ip: 0xc0a801b1 }),
      ];
      const others = [historyRow({ modid: 2 }), historyRow({ cmdid: 1 })];
      await store.write(batch({ history: [...rows, ...others].toReversed() }), NOW_SEC);
      expect(await store.readHistory(DAY)).toEqual(rows);
      expect(await store.readHistory({ ...DAY, modid: 2 })).toEqual(others.slice(0, 1));
    });

    test('a sum beyond 32 bits stays exact', async () => {
      const store = await opened();
      const huge = historyRow({ succ: 2 ** 32 - 1, err: 2 ** 32 - 1, tcostMs: 2 ** 50 });
      for (let i = 0; i < 4; i++) await store.write(batch({ history: [huge] }), NOW_SEC);
      expect(await store.readHistory(DAY)).toMatchObject([{ succ: 2 ** 34 - 4, err: 2 ** 34 - 4, tcostMs: 2 ** 52, reports: 4 }]);
    });

    test.each([
      { span: 'its minute', fromSec: NOW_MINUTE, toSec: NOW_MINUTE + 60, minutes: [0] },
      { span: 'ending where it begins', fromSec: NOW_MINUTE - 60, toSec: NOW_MINUTE, minutes: [-1] },
      { span: 'its first second alone', fromSec: NOW_MINUTE, toSec: NOW_MINUTE + 1, minutes: [0] },
      { span: 'beginning behind its start', fromSec: NOW_MINUTE + 1, toSec: NOW_MINUTE + 61, minutes: [1] },
      { span: 'nothing', fromSec: NOW_MINUTE, toSec: NOW_MINUTE, minutes: [] },
      { span: 'the wrong way round', fromSec: NOW_MINUTE + 60, toSec: NOW_MINUTE, minutes: [] },
      { span: 'everything', fromSec: 0, toSec: 2 ** 40, minutes: [-1, 0, 1] },
      { span: 'long ago', fromSec: 0, toSec: 86_400, minutes: [] },
    ])('a minute belongs to a span that has its start: $span', async ({ fromSec, toSec, minutes }) => {
      const store = await opened();
      const history = [-1, 0, 1].map(i => historyRow({ minute: NOW_MINUTE + 60 * i }));
      await store.write(batch({ history }), NOW_SEC);
      const found = await store.readHistory({ modid: 1, cmdid: 2, fromSec, toSec });
      expect(found.map(row => row.minute)).toEqual(minutes.map(i => NOW_MINUTE + 60 * i));
    });

    test('days of minutes', async () => {
      const store = await opened();
      const history = Array.from({ length: 1_500 }, (_, i) => historyRow({ minute: NOW_MINUTE + 60 * i, succ: i }));
      await store.write(batch({ history }), NOW_SEC);
      const found = await store.readHistory({ ...DAY, fromSec: NOW_MINUTE, toSec: NOW_MINUTE + 60 * 1_500 });
      expect(found).toEqual(history);
    });
  });

  describe(`${name}: agents`, () => {
    test('the last report of each agent is known; others are left out', async () => {
      const store = await opened();
      await store.write(
        batch({
          agents: new Map([
            ['a', 5],
            ['b', 2 ** 53 - 1],
          ]),
        }),
        NOW_SEC,
      );
      await store.write(batch({ agents: new Map([['a', 6]]) }), NOW_SEC);
      expect(await store.lastSeqs(['a', 'b', 'c'])).toEqual(
        new Map([
          ['a', 6],
          ['b', 2 ** 53 - 1],
        ]),
      );
      expect(await store.lastSeqs([])).toEqual(new Map());
    });

    test('a number never goes back', async () => {
      const store = await opened();
      await store.write(batch({ agents: new Map([['a', 5]]) }), NOW_SEC);
      await store.write(batch({ agents: new Map([['a', 3]]) }), NOW_SEC);
      expect(await store.lastSeqs(['a'])).toEqual(new Map([['a', 5]]));
    });

    test.each(["O'Brien; DROP TABLE AgentReport", 'имя-агента', 'A', 'a'])('a name is only a name: %s', async agent => {
      const store = await opened();
      await store.write(batch({ agents: new Map([[agent, 5]]) }), NOW_SEC);
      expect(await store.lastSeqs([agent, 'other'])).toEqual(new Map([[agent, 5]]));
    });
  });

  describe(`${name}: pruning`, () => {
    test('history before the limit goes, in slices, and what is younger stays', async () => {
      const store = await opened();
      const old = Array.from({ length: 5 }, (_, i) => historyRow({ minute: NOW_MINUTE - 60, port: i + 1 }));
      const young = [historyRow(), historyRow({ minute: NOW_MINUTE + 60 })];
      await store.write(batch({ history: [...old, ...young], status: [statusRow()] }), NOW_SEC);
      const limits = { ...NOTHING_OLD, historyBeforeSec: NOW_MINUTE, maxRows: 2 };
      expect([await store.prune(limits), await store.prune(limits)]).toEqual([2, 2]);
      expect(await store.readHistory(DAY)).toHaveLength(3);
      expect([await store.prune(limits), await store.prune(limits)]).toEqual([1, 0]);
      expect(await store.readHistory(DAY)).toEqual(young);
      expect(await store.readStatus(1, 2)).toEqual([statusRow()]);
    });

    test('agents not heard of since the limit go', async () => {
      const store = await opened();
      await store.write(
        batch({
          agents: new Map([
            ['a', 1],
            ['b', 1],
            ['c', 1],
          ]),
        }),
        NOW_SEC,
      );
      await store.write(batch({ agents: new Map([['b', 2]]) }), NOW_SEC + 10);
      const limits = { ...NOTHING_OLD, agentsBeforeSec: NOW_SEC + 10 };
      expect(await store.prune(limits)).toBe(2);
      expect(await store.lastSeqs(['a', 'b', 'c'])).toEqual(new Map([['b', 2]]));
      expect(await store.prune(limits)).toBe(0);
    });
  });
}
