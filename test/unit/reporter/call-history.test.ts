import { type HostCallResult, hostKey, type ReportStatusRequest } from '@lars/proto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CallHistory } from '../../../reporter/src/history/call-history.ts';
import { arbitraryResult, ip, NOW_MINUTE, NOW_SEC, numbered, report, result } from './report-samples.ts';

const HOUR = 3_600;
const RETENTION_SEC = 72 * HOUR;

function history(maxCounters = 1_000): CallHistory {
  return new CallHistory({ retentionSec: RETENTION_SEC, maxCounters });
}

function increases(counted: ReturnType<CallHistory['count']>): unknown[] {
  return counted.results.map(({ succ, err, tcostMs }) => [succ, err, tcostMs]);
}

describe('what a report adds', () => {
  test('a numbered report counts as it is, every time', () => {
    const calls = history();
    const results = [result({ succ: 5, err: 1, tcost: 70 })];
    for (const seq of [1, 2, 3]) expect(increases(calls.count(numbered(seq, { results }), NOW_SEC))).toEqual([[5, 1, 70]]);
    expect(calls.counters.size).toBe(0);
  });

  test.each([
    { rule: 'neither number nor name', seq: 0, agent: '' },
    { rule: 'a name alone', seq: 0, agent: 'agent-1' },
    { rule: 'a number alone', seq: 7, agent: '' },
  ])('a report with $rule counts by difference and cannot be acknowledged', ({ seq, agent }) => {
    const calls = history();
    const first = calls.count(report({ seq, agent, results: [result({ succ: 5, err: 1 })] }), NOW_SEC);
    const second = calls.count(report({ seq, agent, results: [result({ succ: 9, err: 1 })] }), NOW_SEC);
    expect(increases(first)).toEqual([[5, 1, 0]]);
    expect(increases(second)).toEqual([[4, 0, 0]]);
    expect(first.agent).toBe('');
  });

  const other: readonly { what: string; fields: Partial<ReportStatusRequest>; host?: Partial<HostCallResult> }[] = [
    { what: 'caller', fields: { caller: ip('10.9.9.8') } },
    { what: 'modid', fields: { modid: 2 } },
    { what: 'cmdid', fields: { cmdid: 1 } },
    { what: 'ip', fields: {}, host: { ip: ip('10.0.0.2') } },
    { what: 'port', fields: {}, host: { port: 81 } },
    { what: 'addr', fields: {}, host: { ip: 0, addr: 'db.example' } },
  ];
  test.each(other)('another $what has counts of its own', ({ fields, host }) => {
    const calls = history();
    calls.count(report({ results: [result({ succ: 5 })] }), NOW_SEC);
    expect(increases(calls.count(report({ ...fields, results: [result({ ...host, succ: 6 })] }), NOW_SEC))).toEqual([[6, 0, 0]]);
  });

  test('the status keeps what was told', () => {
    const calls = history();
    calls.count(report({ results: [result({ succ: 5 })] }), NOW_SEC);
    expect(calls.count(report({ results: [result({ succ: 9 })] }), NOW_SEC).results[0]?.raw.succ).toBe(9);
  });

  test('what is remembered is bounded', () => {
    const calls = history(2);
    for (const port of [1, 2, 3]) calls.count(report({ results: [result({ port, succ: 1 })] }), NOW_SEC);
    expect(calls.counters).toMatchObject({ size: 2, evictions: 1 });
  });

  test('ip and caller are unsigned in the tables; a host with an addr has none', () => {
    const results = [result({ ip: -1_062_731_343 }), result({ ip: 7, addr: 'db.example' })];
    const counted = history().count(report({ caller: -1, results }), NOW_SEC);
    expect(counted.caller).toBe(4_294_967_295);
    expect(counted.results.map(({ ip, addr }) => [ip, addr])).toEqual([
      [0xc0a801b1, ''],
      [0, 'db.example'],
    ]);
  });
});

describe('the minute', () => {
  test.each([
    { rule: 'of the report', ts: NOW_SEC - 120, minute: NOW_MINUTE - 120, badTs: false },
    { rule: 'begins at its first second', ts: NOW_MINUTE, minute: NOW_MINUTE, badTs: false },
    { rule: 'ends at its last second', ts: NOW_MINUTE + 59, minute: NOW_MINUTE, badTs: false },
    { rule: 'may be an hour ahead', ts: NOW_SEC + HOUR, minute: NOW_MINUTE + HOUR, badTs: false },
    { rule: 'may be as old as the retention', ts: NOW_SEC - RETENTION_SEC, minute: NOW_MINUTE - RETENTION_SEC, badTs: false },
    { rule: 'is ours when theirs is further ahead', ts: NOW_SEC + HOUR + 1, minute: NOW_MINUTE, badTs: true },
    { rule: 'is ours when theirs is older', ts: NOW_SEC - RETENTION_SEC - 1, minute: NOW_MINUTE, badTs: true },
    { rule: 'is ours when theirs is missing', ts: 0, minute: NOW_MINUTE, badTs: true },
    { rule: 'is ours when theirs is absurd', ts: 2 ** 32 - 1, minute: NOW_MINUTE, badTs: true },
  ])('$rule', ({ ts, minute, badTs }) => {
    expect(history().count(report({ ts }), NOW_SEC)).toMatchObject({ ts, minute, badTs });
  });
});

describe('invalid results are left out and counted, the others are taken', () => {
  const bad: readonly { what: string; fields: Partial<HostCallResult> }[] = [
    { what: 'port 0', fields: { port: 0 } },
    { what: 'port 65536', fields: { port: 65_536 } },
    { what: 'a negative port', fields: { port: -1 } },
    { what: 'neither ip nor addr', fields: { ip: 0 } },
    { what: 'an addr of 254 characters', fields: { addr: 'a'.repeat(254) } },
    { what: 'a tcost that no number holds', fields: { tcost: 2 ** 60 } },
  ];
  test.each(bad.flatMap(row => [row, { ...row, what: `${row.what}, numbered`, seq: 1 }]))('$what', ({ fields, ...row }) => {
    const results = [result({ port: 1 }), result(fields), result({ port: 2 })];
    const counted = history().count('seq' in row ? numbered(1, { results }) : report({ results }), NOW_SEC);
    expect(counted.results.map(({ raw }) => raw.port)).toEqual([1, 2]);
    expect(counted.skipped).toBe(1);
  });

  test.each([{ port: 1 }, { port: 65_535 }, { addr: 'a'.repeat(253), ip: 0 }, { tcost: 2 ** 53 - 1 }])('but not %o', fields => {
    expect(history().count(report({ results: [result(fields)] }), NOW_SEC)).toMatchObject({ skipped: 0 });
  });
});

test('of agents that count on and on, the increases of a host sum up to its last count', () => {
  fc.assert(
    fc.property(fc.array(fc.array(arbitraryResult, { maxLength: 5 })), reports => {
      const calls = history();
      const running = new Map<unknown, HostCallResult>();
      const sums = new Map<unknown, number>();
      for (const added of reports) {
        for (const one of added) {
          const before = running.get(hostKey(one));
          running.set(hostKey(one), { ...one, overload: false, succ: (before?.succ ?? 0) + one.succ, err: 0, tcost: 0 });
        }
        const counted = calls.count(report({ results: [...running.values()] }), NOW_SEC);
        for (const { key, succ } of counted.results) sums.set(key, (sums.get(key) ?? 0) + succ);
      }
      expect(sums).toEqual(new Map([...running].map(([key, one]) => [key, one.succ])));
    }),
  );
});
