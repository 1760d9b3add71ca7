import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sideBySideLines } from '../../../examples/demo/side-by-side.ts';
import type { DemoView } from '../../../examples/demo/table.ts';

const viewOf = (name: string, shares: readonly (number | undefined)[], change: Partial<DemoView> = {}): DemoView => ({
  name,
  phase: 'server 1 is stopped',
  passedSeconds: 14.9,
  totalSeconds: 64,
  windowSeconds: 1,
  ratePerSecond: 200,
  calls: 1_000,
  failed: 31,
  hosts: shares.map((share, index) => ({
    authority: `127.0.0.1:${name.length}00${index}`,
    running: index > 0,
    share,
    calls: 5,
    failed: 1,
    note: '',
  })),
  events: [],
  ...change,
});

describe('several worlds in one table', () => {
  const adaptive = viewOf('adaptive', [0, 0.5], { failed: 7, events: ['LARS: 127.0.0.1:8000 ejected: why (AD-7)'] });
  const classic = viewOf('classic', [0.09, undefined], { calls: 0, failed: 0 });

  test('have a column each, and servers a row; what LARS decided is told of servers by their number', () => {
    const lines = sideBySideLines([adaptive, classic], 60, 24);
    expect(lines).toEqual([
      { look: 'title', text: '14 of 64 s: server 1 is stopped' },
      { look: 'title', text: `              ${'adaptive'.padStart(22)} ${'classic'.padStart(22)}` },
      { look: 'plain', text: `calls lost    ${'7 = 0.7 %'.padStart(22)} ${'0 = -'.padStart(22)}` },
      { look: 'dim', text: 'share of the calls of the last 1 s:' },
      { look: 'down', text: `server 1 down ${'·'.repeat(14)}   0.0 % ${'█'.padEnd(14, '·')}   9.0 %` },
      { look: 'plain', text: `server 2      ${'█'.repeat(7)}${'·'.repeat(7)}  50.0 % ${'·'.repeat(14)}       -` },
      { look: 'dim', text: 'adaptive: server 1 ejected: why (AD-7)' },
    ]);
  });

  test('servers that find no room are counted', () => {
    const many = viewOf('adaptive', Array(9).fill(0.1));
    expect(
      sideBySideLines([many, many], 80, 8)
        .map(({ text }) => text.slice(0, 8))
        .slice(4),
    ).toEqual(['server 1', 'server 2', 'server 3', 'and 6 mo']);
  });

  test('fit into any terminal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(50),
        fc.integer({ min: 1, max: 6 }),
        (columns, rows, hosts, count) => {
          const views = Array.from({ length: count }, (_, i) =>
            viewOf(`way ${i}`, Array(hosts).fill(1), { events: ['LARS: event'] }),
          );
          const lines = sideBySideLines(views as [DemoView, ...DemoView[]], columns, rows);
          expect(lines.length).toBeLessThanOrEqual(rows);
          for (const { text } of lines) expect(text.length).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });
});
