import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteStatusStore, type StatusBatch } from '@lars/reporter';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseTime } from '../../../cli/src/arguments/since.ts';
import { CallSums } from '../../../cli/src/calls/call-sums.ts';
import { hostsText } from '../../../cli/src/calls/calls-text.ts';
import { formatCsv } from '../../../cli/src/output/csv.ts';
import { grouped, groupSize, sparkline } from '../../../cli/src/output/sparkline.ts';
import { runMain } from '../../support/memory-terminal.ts';

let folder = '';
let db = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lars-calls-'));
  db = path.join(folder, 'lars.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const IP = 0x0a00_0001;
/** 2026-11-29, local: midnight, so that each minute of the day has a name. */
const DAY_SEC = new Date(2026, 10, 29).getTime() / 1_000;
const at = (minute: number) => DAY_SEC + 60 * minute;

function history(minute: number, port: number, succ: number, err: number, details: { addr?: string; modid?: number } = {}) {
  const { addr = '', modid = 1 } = details;
  const ip = addr === '' ? IP : 0;
  return {
    minute: at(minute),
    modid,
    cmdid: 1,
    ip,
    port,
    addr,
    succ,
    err,
    tcostMs: 10 * (succ + err),
    overloaded: 0,
    reports: 1,
  };
}

function status(caller: number, port: number, succ: number, err: number, ts: number) {
  const details = { modid: 1, cmdid: 1, ip: IP, addr: '', overload: err > succ, weight: 0, tcostMs: 5 * (succ + err), probes: 0 };
  return { ...details, caller, port, succ, err, ts };
}

async function stored(batch: Partial<StatusBatch>): Promise<void> {
  const store = await openSqliteStatusStore({ file: db, confKey: 'test' });
  await store.write({ status: [], history: [], agents: new Map(), ...batch }, at(0));
  await store.close();
}

const TIME = ['--since', '2026-11-29T10:00', '--until', '2026-11-29T11:00'] as const;
const calls = (...more: readonly string[]) => runMain('calls', '1/1', '--db', db, ...TIME, ...more);
const TEN = 600;

describe('lars calls', () => {
  test('has a line for each host, with its calls over the time, and one for all', async () => {
    const rows = Array.from({ length: 60 }, (_, i) => history(TEN + i, 80, i, i % 2));
    await stored({ history: [...rows, history(TEN + 30, 81, 30, 10), history(TEN - 1, 80, 9, 9), history(TEN + 60, 80, 9, 9)] });
    const { exitCode, out } = await calls();
    expect(exitCode).toBe(0);
    const [head, , titles, ...lines] = out.split('\n');
    expect(head).toBe('Module 1/1, 2026-11-29 10:00 to 2026-11-29 11:00 (1h)');
    expect(titles).toMatch(/^host +calls +failed +mean +in steps of 2m$/);
    expect(lines[0]).toMatch(/^10\.0\.0\.1:80 +1,800 +30 +1\.7% +10 ms +▁+▂+▃+▄+▅+▆+▇+█+$/);
    expect(lines[1]).toMatch(/^10\.0\.0\.1:81 +40 +10 +25% +10 ms +·+█·+$/);
    expect(lines[2]).toMatch(/^all +1,840 +40 +2\.2% +10 ms$/);
    expect(Math.max(...out.split('\n').map(line => [...line].length))).toBeLessThanOrEqual(100);
  });

  test('has a line for each minute that has calls', async () => {
    await stored({ history: [history(TEN, 80, 8, 2), history(TEN, 81, 10, 0), history(TEN + 5, 80, 5, 0)] });
    const { out } = await calls('--by', 'minute');
    expect(out.split('\n').slice(3, 5)).toEqual([
      expect.stringMatching(/^2026-11-29 10:00 +20 +2 +10% +10 ms +█{40}$/),
      expect.stringMatching(/^2026-11-29 10:05 +5 +0 +0% +10 ms +█{10}$/),
    ]);
  });

  test('by caller it has what each told in its last report, unless that is older', async () => {
    const rows = [status(0x7f000001, 80, 90, 10, at(TEN + 1)), status(0x7f000001, 81, 0, 100, at(TEN + 2))];
    await stored({ status: [...rows, status(0xc0a80001, 80, 4, 0, at(TEN)), status(0xc0a80002, 80, 4, 0, at(TEN - 1))] });
    const { document } = await json('--by', 'caller');
    expect(document).toMatchObject({
      by: 'caller',
      callers: [
        { caller: '127.0.0.1', hosts: 2, ejected: 1, calls: 200, failures: 110, meanMs: 5, lastSec: at(TEN + 2) },
        { caller: '192.168.0.1', hosts: 1, ejected: 0, calls: 4, failures: 0 },
      ],
    });
    expect((await calls('--by', 'caller')).out).toMatch(/\n127\.0\.0\.1 +2 +1 +200 +110 +55% +5 ms +.+ ago\n/);
  });

  const json = async (...more: readonly string[]) => {
    const { exitCode, out } = await calls(...more, '--json');
    return { exitCode, document: JSON.parse(out) };
  };

  test('for machines: JSON, and comma-separated values', async () => {
    await stored({ history: [history(TEN, 80, 3, 1), history(TEN + 1, 443, 1, 0, { addr: '2001:db8::1' })] });
    expect(await json()).toMatchObject({
      exitCode: 0,
      document: {
        modid: 1,
        cmdid: 1,
        from: new Date(at(TEN) * 1_000).toISOString(),
        by: 'host',
        stepSec: 60,
        all: { calls: 5, failures: 1, meanMs: 10 },
        hosts: [
          { host: '10.0.0.1', port: 80, calls: 4, failures: 1, meanMs: 10, steps: [4, ...new Array(59).fill(0)] },
          { host: '2001:db8::1', port: 443, calls: 1, failures: 0 },
        ],
      },
    });
    expect((await calls('--csv')).out).toBe('host,calls,failures,mean_ms\n10.0.0.1:80,4,1,10\n[2001:db8::1]:443,1,0,10\n');
    expect((await calls('--csv', '--by', 'minute')).out).toBe(
      `minute,calls,failures,mean_ms\n${at(TEN)},4,1,10\n${at(TEN + 1)},1,0,10\n`,
    );
  });

  test('says why there is nothing to show', async () => {
    await stored({});
    expect((await calls()).out).toMatch(/^The history is empty: no agent has reported a call\./);
    await stored({ history: [history(TEN, 80, 1, 0, { modid: 2 }), history(30, 80, 1, 0)] });
    expect((await calls()).out).toBe(
      'No calls of 1/1 from 2026-11-29 10:00 to 2026-11-29 11:00 in the history; it has calls from 2026-11-29 00:30 to ' +
        '2026-11-29 10:00, of all modules.\n',
    );
    expect((await json()).document).toMatchObject({ hosts: [], all: { calls: 0 } });
  });

  test('changes nothing: a missing file is not made, nor are missing tables', async () => {
    expect(await calls()).toMatchObject({
      exitCode: 1,
      err: `lars: database ${db} (--db) does not exist: no reporter has run with it\n`,
    });
    expect((await runMain('calls', '1/1', '--db', db)).exitCode).toBe(1);
    expect(existsSync(db)).toBe(false);
    const other = new Database(db);
    other.exec('CREATE TABLE other (id)');
    other.close();
    expect(await calls()).toMatchObject({ exitCode: 1, err: expect.stringContaining('has no history of calls') });
    writeFileSync(db, 'no database, but long enough to be taken for one'.repeat(100));
    expect(await calls()).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/^lars: database \S+ cannot be read: [^\n]+\n$/),
    });
  });

  test.each([
    [['--since', 'yesterday'], '--since yesterday: expected a span like 30m'],
    [['--since', '2026-13-29'], '--since 2026-13-29: expected a span'],
    [['--until', '2026-11-29T09:00'], 'is not before --until 2026-11-29T09:00'],
    [['--by', 'zone'], '--by'],
    [['--csv', '--json'], '--csv and --json: give one of them'],
  ])('refuses %j', async (args, message) => {
    expect(await calls(...args)).toMatchObject({ exitCode: 2, err: expect.stringContaining(message) });
  });
});

test.each([
  ['90s', 910],
  ['5m', 700],
  ['2d', -171_800],
])('%s ago, at second 1000, is second %i', (text, sec) => {
  expect(parseTime('--since', text, 1_000)).toBe(sec);
});

test('a time is local unless it says otherwise', () => {
  const local = new Date(2026, 10, 29, 10, 5).getTime() / 1_000;
  for (const text of ['2026-11-29T10:05', '2026-11-29 10:05', '2026-11-29T10:05:00']) expect(parseTime('x', text, 0)).toBe(local);
  expect(parseTime('x', '2026-11-29', 0)).toBe(DAY_SEC);
  expect(parseTime('x', '2026-11-29T10:05Z', 0)).toBe(Date.UTC(2026, 10, 29, 10, 5) / 1_000);
});

test('the sums of a long time are kept in few steps, each of whole minutes', () => {
  const sums = new CallSums(at(0), at(7 * 1_440));
  for (let minute = 0; minute < 7 * 1_440; minute++) sums.add(history(minute, 80, 1, 0));
  const [host] = sums.hosts;
  expect(sums.stepSec).toBe(84 * 60);
  expect(host?.steps).toEqual(new Array(120).fill(84));
});

test('long names and narrow terminals are met', () => {
  const sums = new CallSums(at(0), at(60));
  sums.add(history(0, 8080, 1_234_567, 3, { addr: 'a-very-long-name-of-a-host.in-some-cluster.in-some-zone.example.com' }));
  const widest = (text: string) => Math.max(...text.split('\n').map(line => [...line].length));
  for (const columns of [60, 80, 100]) expect(widest(hostsText(sums, (_, text) => text, columns))).toBeLessThanOrEqual(columns);
  expect(hostsText(sums, (_, text) => text, 80)).toMatch(/^a-very-long.+….+\.com:8080 /m);
});

test('a line of bars is as high as the highest', () => {
  expect(sparkline([0, 1, 4, 8])).toBe('·▁▄█');
  expect(sparkline([])).toBe('');
  expect(sparkline([0, 0])).toBe('··');
  expect(grouped([1, 2, 3, 4, 5], 2)).toEqual([3, 7, 5]);
  expect(grouped([1, 2], 1)).toEqual([1, 2]);
  expect([groupSize(60, 55), groupSize(60, 60), groupSize(60, 20), groupSize(0, 9)]).toEqual([2, 1, 3, 1]);
});

test('values with commas, quotes or line breaks are quoted', () => {
  expect(formatCsv([['a,b', 'c"d', 'e\nf', 1.5]])).toBe('"a,b","c""d","e\nf",1.5\n');
});
