import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DemoView, logLine, tableLines } from '../../../examples/demo/table.ts';

const host = (port: number, share: number | undefined, running = true) => ({
  authority: `127.0.0.1:${port}`,
  running,
  share,
  calls: port % 1_000,
  failed: port % 7,
  note: running ? '' : 'ejected, probe in 10 s',
});

const view: DemoView = {
  name: '',
  phase: 'one server stopped',
  passedSeconds: 14.9,
  totalSeconds: 42,
  windowSeconds: 1,
  ratePerSecond: 199.6,
  calls: 2_900,
  failed: 31,
  hosts: [host(41_001, 0.5), host(41_002, 0.09, false), host(41_003, undefined)],
  events: ['LARS: host ejected 127.0.0.1:41002 failure-run'],
};

describe('the table', () => {
  const texts = (columns: number, rows: number) => tableLines(view, columns, rows).map(({ text }) => text);

  test('shows each host with bar, share and calls, marks the one that is down, ends with what LARS decided', () => {
    expect(tableLines(view, 80, 24)).toEqual([
      { look: 'title', text: '14 of 42 s: one server stopped, 200 calls/s, 31 of 2900 failed' },
      { look: 'dim', text: `host            ${'last 1 s'.padEnd(14)}   share calls failed` },
      { look: 'plain', text: `127.0.0.1:41001 ${'█'.repeat(7)}${'·'.repeat(7)}  50.0 %     1      2` },
      { look: 'down', text: `127.0.0.1:41002 █${'·'.repeat(13)}   9.0 %     2      3 down, ejected, probe in 10 s` },
      { look: 'plain', text: `127.0.0.1:41003 ${'·'.repeat(14)}       -     3      4` },
      { look: 'dim', text: 'LARS: host ejected 127.0.0.1:41002 failure-run' },
    ]);
  });

  test('leaves the bars out where they would be too short, and then all but the note fits into 42 columns', () => {
    expect(texts(70, 24)[2]).toBe('127.0.0.1:41001  50.0 %     1      2');
    expect(texts(71, 24)[2]).toBe('127.0.0.1:41001 ███··  50.0 %     1      2');
    expect(texts(42, 24)[3]).toMatch(/ down/);
  });

  test('counts the hosts that find no room', () => {
    expect(texts(80, 5).map(text => text.slice(0, 15))).toEqual([
      '14 of 42 s: one',
      'host           ',
      '127.0.0.1:41001',
      'and 2 more host',
      'LARS: host ejec',
    ]);
  });

  test('fits into any terminal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(50),
        fc.nat(3),
        (columns, rows, hosts, events) => {
          const full = {
            ...view,
            hosts: Array.from({ length: hosts }, (_, i) => host(40_000 + i * 331, 1)),
            events: Array(events).fill('event'),
          };
          const lines = tableLines(full, columns, rows);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const { text } of lines) expect(text.length).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });
});

test('in a log each second is one line', () => {
  expect(logLine([view])).toBe(
    '14 of 42 s: one server stopped, 200 calls/s, 31 of 2900 failed, shares 50.0 % | 9.0 % (down) | -',
  );
});

test('what is shown of several is told apart by their names', () => {
  const views = [
    { ...view, name: 'adaptive' },
    { ...view, name: 'classic', failed: 32 },
  ] as const;
  expect(tableLines(views[0], 80, 24)[0]?.text).toBe('14 of 42 s: one server stopped, adaptive: 200 calls/s, 31 of 2900 failed');
  expect(logLine(views)).toBe(
    '14 of 42 s: one server stopped, adaptive: 200 calls/s, 31 of 2900 failed, shares 50.0 % | 9.0 % (down) | -; ' +
      'classic: 200 calls/s, 32 of 2900 failed, shares 50.0 % | 9.0 % (down) | -',
  );
});
