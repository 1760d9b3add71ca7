/** What is too wide for the terminal gets lines of its own, or loses the columns that matter least. */
import type { ModuleSummary } from '@lars/agent';
import { describe, expect, test } from 'vitest';
import { formatHistory } from '../../../cli/src/output/change-set-table.ts';
import { formatModules } from '../../../cli/src/output/module-table.ts';
import { formatStatus } from '../../../cli/src/output/status-table.ts';
import { widestLine } from '../../../cli/src/output/table.ts';
import { characterWidth, textWidth } from '../../../cli/src/output/text-width.ts';
import { topScreen } from '../../../cli/src/top/top-screen.ts';
import { FIRST_STATE } from '../../../cli/src/top/top-state.ts';

const plain = (_style: string, text: string) => text;

test('columns of a terminal are counted, not characters', () => {
  expect(['abc', 'äöü', '漢字', 'カナ', '한글', '😀', 'e\u0301', '…→█'].map(textWidth)).toEqual([3, 3, 4, 4, 4, 2, 1, 3]);
  expect(['a', '\u200d', '，'].map(characterWidth)).toEqual([1, 0, 2]);
});

const change = {
  ...{ revision: 7, author: 'ann', machine: 'm1', command: 'lars route add 1/1 10.0.0.1:80', modules: 1 },
  ...{ added: 2, updated: 0, removed: 0, time: '2026-01-02T03:04:05.678Z' },
};

describe('the history', () => {
  const history = { sinceRevision: 4, changeSets: [{ ...change, reason: '漢字 for the sale' }], unrecorded: null };
  const line = '       7  2026-01-02T03:04:05Z  ann@m1  +2       lars route add 1/1 10.0.0.1:80: 漢字 for the sale';

  test('has a line for each change where there is room', () => {
    expect(textWidth(line)).toBe(98);
    expect(formatHistory(history, plain, 98)).toContain(`\n${line}\n`);
  });

  test('has the command below it where there is none', () => {
    expect(formatHistory(history, plain, 50)).toBe(
      'revision  time                  who     changed\n' +
        '       7  2026-01-02T03:04:05Z  ann@m1  +2\n' +
        '    lars route add 1/1 10.0.0.1:80: 漢字 for the\n    sale\n\nall changes behind revision 4 are known\n',
    );
  });
});

test('the status has the details below each service', () => {
  const details = { udp: '127.0.0.1:1,2,3', modules: 4, hosts: 12, ejectedHosts: 0, getHost: 123_456, algorithm: 'adaptive' };
  const health = { service: 'agent', status: 'ok', pid: 7, uptimeSeconds: 62, version: '0.1.0', details } as const;
  const asked = 'http://127.0.0.1:7780/healthz';
  const text = formatStatus(
    [
      { service: 'dnsserver', asked, status: 'down', why: 'connect ECONNREFUSED' },
      { service: 'agent', asked, status: 'ok', health },
    ],
    plain,
    72,
  );
  expect(text).toBe(`\
service    status  pid  uptime  version  where
dnsserver  down    -    -       -        http://127.0.0.1:7780/healthz
    connect ECONNREFUSED
agent      ok      7    1m 2s   0.1.0    UDP 127.0.0.1:1,2,3
    modules=4 hosts=12 ejectedHosts=0 getHost=123456 algorithm=adaptive
`);
});

describe('the modules', () => {
  const module: ModuleSummary = {
    ...{ modid: 1_234_567, cmdid: -7, algorithm: 'adaptive', hosts: 1_000, ejected: 1, probation: 0, draining: 0, avoided: 3 },
    ...{ picksPerSec: 12_345, isShedding: false, isErring: false, errorRate: 0.0001, expectedMs: 12 },
  };

  test('lose what the state says already, and keep what is failing', () => {
    const titles = (width: number) => formatModules([module], plain, width).split('\n')[0]?.split(/ +/);
    expect(titles(80)).toHaveLength(8);
    expect(titles(66)).toEqual(['module', 'state', 'hosts', 'ejected', 'picks/s', 'failed', 'takes']);
    expect(titles(48)).toEqual(['module', 'state', 'picks/s', 'failed', 'takes']);
    expect(formatModules([module], plain, 48)).toContain('<0.1%');
  });

  test.each([50, 60, 80, 120])('fit lars top at %d columns, its keys too', columns => {
    const all = { active: 1, picksPerSec: 1, inTrouble: 1, modules: [module] };
    const data = { address: '127.0.0.1:7782', health: undefined, modules: all, why: undefined, problem: undefined };
    const lines = topScreen(data, FIRST_STATE, { columns, rows: 24 }, plain, text => text);
    expect(widestLine(lines.join('\n'))).toBeLessThanOrEqual(columns);
    expect(lines.at(-1)).toMatch(/^q quit {2}Enter open/);
    expect(lines.at(-1)).toMatch(columns < 80 ? /m {2}r reverse$/ : /m module {2}r reverse$/);
    expect(lines[4]).toMatch(/ 12 ms $/);
  });
});
