import type { ModuleSummary } from '@lars/agent';
import { describe, expect, test } from 'vitest';
import { clipped } from '../../../cli/src/output/fit.ts';
import type { ModuleWhy } from '../../../cli/src/output/module-why.ts';
import { type Key, readKeys } from '../../../cli/src/top/keys.ts';
import { pageOf, type Size, type TopData, topScreen } from '../../../cli/src/top/top-screen.ts';
import { afterKey, FIRST_STATE, sorted, type TopState } from '../../../cli/src/top/top-state.ts';

const plain = (_style: string, text: string) => text;
const marked = (text: string) => `>${text}`;

function summary(modid: number, details: Partial<ModuleSummary> = {}): ModuleSummary {
  const counts = { hosts: 3, ejected: 0, probation: 0, draining: 0, avoided: 0 };
  return {
    modid,
    cmdid: 1,
    algorithm: 'adaptive',
    ...counts,
    picksPerSec: modid,
    isShedding: false,
    isErring: false,
    ...details,
  };
}

const modules = [
  summary(1, { errorRate: 0.3, expectedMs: 5 }),
  summary(2, { ejected: 1, errorRate: 0.1, expectedMs: 80 }),
  summary(3, { expectedMs: 20 }),
  summary(4, { isShedding: true }),
];

function data(list: readonly ModuleSummary[], more: Partial<TopData> = {}): TopData {
  const all = { active: list.length, picksPerSec: 12.4, inTrouble: 2, modules: list };
  return { address: '127.0.0.1:7782', health: undefined, modules: all, why: undefined, problem: undefined, ...more };
}

function pressed(keys: readonly Key[], from: Partial<TopState> = {}): TopState | undefined {
  let state: TopState | undefined = { ...FIRST_STATE, ...from };
  for (const key of keys) state = state && afterKey(state, key, sorted(modules, state), 2);
  return state;
}

describe('keys', () => {
  test.each<[string, Key[]]>([
    ['q', ['quit']],
    ['\u0003', ['quit']],
    ['\u001b[A\u001b[B\u001bOA', ['up', 'down', 'up']],
    ['\u001b[5~\u001b[6~\u001b[H\u001b[F', ['page-up', 'page-down', 'home', 'end']],
    ['\r', ['enter']],
    ['\u001b', ['escape']],
    ['jkp', ['down', 'up', { letter: 'p' }]],
    ['\u001b[15~\u001b[1;5CÄ7 \u001a', []],
  ])('%j', (input, keys) => {
    expect(readKeys(input)).toEqual(keys);
  });

  test('that order the modules: trouble first, unless another order is wanted', () => {
    const order = (state: TopState | undefined) => state && sorted(modules, state).map(({ modid }) => modid);
    expect(order(pressed([]))).toEqual([4, 2, 3, 1]);
    expect(order(pressed([{ letter: 'p' }]))).toEqual([4, 3, 2, 1]);
    expect(order(pressed([{ letter: 'f' }]))).toEqual([1, 2, 4, 3]);
    expect(order(pressed([{ letter: 'l' }]))).toEqual([2, 3, 1, 4]);
    expect(order(pressed([{ letter: 'm' }]))).toEqual([1, 2, 3, 4]);
    expect(order(pressed([{ letter: 'm' }, { letter: 'r' }]))).toEqual([4, 3, 2, 1]);
    expect(order(pressed([{ letter: 'x' }]))).toEqual([4, 2, 3, 1]);
  });

  test('that move the cursor, which stays on its module when the order changes', () => {
    expect(pressed(['down', 'down'])?.selected).toBe('3/1');
    expect(pressed(['down', 'down', { letter: 'm' }])?.selected).toBe('3/1');
    expect(pressed(['up'])?.selected).toBe('4/1');
    expect(pressed(['end'])?.selected).toBe('1/1');
    expect(pressed(['end', 'page-up'])?.selected).toBe('2/1');
    expect(pressed(['page-down', 'page-down', 'page-down', 'home'])?.selected).toBe('4/1');
    // A module that is gone.
    expect(pressed(['down'], { selected: '9/9' })?.selected).toBe('2/1');
  });

  test('that open a module, scroll in it, go back and quit', () => {
    const open = { modid: 2, cmdid: 1 };
    expect(pressed(['down', 'enter'])).toMatchObject({ open, scroll: 0 });
    expect(pressed(['down', 'enter', 'down', 'page-down', 'up'])).toMatchObject({ open, scroll: 2 });
    expect(pressed(['down', 'enter', 'down', 'home'])).toMatchObject({ open, scroll: 0 });
    expect(pressed(['down', 'enter', 'escape'])).toMatchObject({ open: undefined, selected: '2/1' });
    expect(pressed(['quit'])).toBeUndefined();
    expect(pressed(['enter', 'quit'])).toBeUndefined();
    expect(afterKey(FIRST_STATE, 'enter', [], 5)).toEqual(FIRST_STATE);
  });
});

describe('the screen', () => {
  const many = Array.from({ length: 200 }, (_, i) => summary(i));

  test.each<[Size]>([
    [{ columns: 80, rows: 24 }],
    [{ columns: 200, rows: 60 }],
    [{ columns: 20, rows: 6 }],
    [{ columns: 1, rows: 1 }],
  ])('fills %j, and never more', size => {
    const why: ModuleWhy = { modid: 1, cmdid: 1, state: 'active', algorithm: 'adaptive', version: 1, hosts: [] };
    for (const open of [undefined, { modid: 1, cmdid: 1 }]) {
      for (const list of [many, modules, []]) {
        const lines = topScreen(data(list, { why }), { ...FIRST_STATE, open }, size, plain, marked);
        expect(lines).toHaveLength(size.rows);
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(size.columns);
      }
    }
  });

  test('of 80 times 24 has the agent, the modules and the keys', () => {
    const details = {
      hosts: 12,
      ejectedHosts: 1,
      dnsserver: '127.0.0.1:7778 not connected',
      reporter: '127.0.0.1:7779 connected',
    };
    const health = { service: 'agent', status: 'degraded', pid: 1, uptimeSeconds: 3_700, version: '0.1.0', details } as const;
    const lines = topScreen(data(modules, { health }), FIRST_STATE, { columns: 80, rows: 24 }, plain, marked);
    expect(lines.slice(0, 8)).toEqual([
      'lars top  agent 127.0.0.1:7782  degraded  dnsserver not connected  up 1h 1m  ver',
      '4 modules (2 in trouble)  12 hosts, 1 ejected  12 picks/s',
      '',
      'module  state          hosts  ejected  avoided  picks/s  failed  takes',
      '>4/1     refuses calls      3        0        0      4.0       -      - ',
      '2/1     ejected            3        1        0      2.0     10%  80 ms',
      '3/1     healthy            3        0        0      3.0       -  20 ms',
      '1/1     healthy            3        0        0      1.0     30%   5 ms',
    ]);
    expect(lines.at(-1)).toMatch(/^q quit {2}Enter open {2}sort: t trouble/);
  });

  test('keeps the cursor in sight', () => {
    for (const selected of ['0/1', '100/1', '199/1']) {
      const state = { ...FIRST_STATE, sortBy: 'module', selected } as const;
      const lines = topScreen(data(many), state, { columns: 80, rows: 24 }, plain, marked);
      expect(lines.filter(line => line.startsWith(`>${selected} `))).toHaveLength(1);
    }
  });

  test('says when the agent does not answer, and still has what it said', () => {
    const lines = topScreen(data(modules, { problem: 'gone\u001b[2J' }), FIRST_STATE, { columns: 80, rows: 24 }, plain, marked);
    expect(lines[1]).toBe('gone?[2J');
    expect(lines[4]).toContain('4/1');
  });

  test('scrolls in an open module, not beyond its end', () => {
    const hosts = Array.from({ length: 50 }, (_, i) => ({
      host: `h${i}:80`,
      weight: 0,
      zone: '',
      state: 'healthy',
      share: 0,
      numbers: {},
    }));
    const why: ModuleWhy = { modid: 1, cmdid: 1, state: 'active', algorithm: 'adaptive', version: 1, hosts };
    const size = { columns: 80, rows: 24 };
    const shown = (scroll: number) =>
      topScreen(data(modules, { why }), { ...FIRST_STATE, open: { modid: 1, cmdid: 1 }, scroll }, size, plain, marked);
    expect(shown(0)[3]).toBe('Module 1/1');
    expect(shown(0)[4]).toBe('No host is in trouble.');
    expect(shown(4)[4]).toMatch(/^h1:80 /);
    expect(shown(10_000)[4 + pageOf(size) - 1]).toBe('50 hosts, route version 1, balanced by adaptive');
  });
});

test('a painted line is cut by what is seen, and leaves no paint behind', () => {
  const red = '\u001b[31mabc\u001b[39mdef';
  expect(clipped(red, 10)).toBe(red);
  expect(clipped(red, 4)).toBe('\u001b[31mabc\u001b[39md\u001b[0m');
  expect(clipped('abc', 2)).toBe('ab');
  expect([clipped('…↑😀x', 4), clipped('…↑😀x', 3)]).toEqual(['…↑😀', '…↑']);
});
