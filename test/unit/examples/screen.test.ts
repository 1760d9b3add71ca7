import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Screen } from '../../../examples/demo/screen.ts';
import type { DemoView } from '../../../examples/demo/table.ts';

const view = (passedSeconds: number, name = ''): DemoView => ({
  name,
  phase: 'all well',
  passedSeconds,
  totalSeconds: 3,
  windowSeconds: 1,
  ratePerSecond: 10,
  calls: 10,
  failed: 0,
  hosts: [{ authority: '127.0.0.1:4001', running: true, share: 1, calls: 10, failed: 0, note: '' }],
  events: [],
});

function output(terminal: { isTTY: boolean; columns?: number; rows?: number }) {
  let written = '';
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      written += chunk;
      done();
    },
  });
  const taken = () => {
    const text = written;
    written = '';
    return text;
  };
  return { out: Object.assign(stream, terminal), taken };
}

describe('on a terminal', () => {
  test('the table is drawn over the last one, and the cursor is hidden until the end', () => {
    const { out, taken } = output({ isTTY: true, columns: 80, rows: 24 });
    const screen = new Screen(out);
    screen.draw(view(0));
    const first = taken();
    expect(first.startsWith('\x1b[?25l')).toBe(true);
    expect(stripVTControlCharacters(first).split('\n')).toHaveLength(4);
    screen.draw(view(0.1));
    expect(taken().startsWith('\x1b[3A')).toBe(true);
    screen.finish();
    screen.finish();
    expect(taken()).toBe('\x1b[?25h');
  });

  test('a terminal of another width gets a new table, not one over the old', () => {
    const { out, taken } = output({ isTTY: true, columns: 80, rows: 24 });
    const screen = new Screen(out);
    screen.draw(view(0));
    taken();
    out.columns = 30;
    screen.draw(view(0.1));
    expect(taken()).not.toContain('\x1b[3A');
  });

  test('several worlds share one table', () => {
    const { out, taken } = output({ isTTY: true, columns: 80, rows: 24 });
    const screen = new Screen(out);
    screen.draw(view(0, 'one'), view(0, 'two'));
    const lines = stripVTControlCharacters(taken()).split('\n');
    expect(lines).toHaveLength(6);
    expect(lines[1]).toMatch(/ one +two$/);
    screen.draw(view(0.1, 'one'), view(0.1, 'two'));
    expect(taken().startsWith('\x1b[5A')).toBe(true);
    out.rows = 5;
    screen.draw(view(0.2, 'one'), view(0.2, 'two'));
    expect(stripVTControlCharacters(taken()).split('\n')).toHaveLength(5);
  });

  test('what is told before the table stays above it', () => {
    const { out, taken } = output({ isTTY: true, columns: 80, rows: 24 });
    const screen = new Screen(out);
    screen.tell(['This takes', '30 s.']);
    expect(taken()).toBe('This takes\n30 s.\n\n');
    screen.draw(view(0));
    expect(taken().startsWith('\x1b[?25l')).toBe(true);
  });

  test('one row stays free for the cursor', () => {
    const { out, taken } = output({ isTTY: true, columns: 80, rows: 3 });
    new Screen(out).draw(view(0));
    expect(stripVTControlCharacters(taken()).split('\n')).toHaveLength(3);
  });
});

describe('elsewhere', () => {
  test('what begins has its own line, also within a second', () => {
    const { out, taken } = output({ isTTY: false });
    const screen = new Screen(out);
    for (const phase of ['all well', 'all well', 'down']) screen.draw({ ...view(0.5), phase });
    expect(taken().match(/: [a-z ]+,/g)).toEqual([': all well,', ': down,']);
  });

  test('there is one plain line a second', () => {
    const { out, taken } = output({ isTTY: false });
    const screen = new Screen(out);
    for (const seconds of [0.1, 0.2, 0.9, 1.1, 1.2, 2]) screen.draw(view(seconds));
    screen.finish();
    const text = taken();
    expect(stripVTControlCharacters(text)).toBe(text);
    expect(text.match(/^\d of 3 s/gm)).toEqual(['0 of 3 s', '1 of 3 s', '2 of 3 s']);
  });
});
