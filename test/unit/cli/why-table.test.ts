import { describe, expect, test } from 'vitest';
import { type ConductWhy, type HostWhy, isActive, whyText } from '../../../cli/src/output/why-table.ts';

const plain = (_style: string, text: string) => text;
const healthy: HostWhy = { host: '10.0.0.1:80', weight: 0, zone: '', state: 'healthy', share: 0.909, numbers: { errRun: 0 } };
const ejected: HostWhy = {
  ...healthy,
  host: '10.0.0.2:80',
  state: 'ejected',
  share: 1 / 11,
  numbers: { errRun: 2, stateMs: 4200.12345 },
  last: { to: 'ejected', cause: 'failure-run', agoMs: 4_200, numbers: { errRun: 15, limit: 15 } },
};

test('one line a host: state, share, how it came to that, and what is counted now', () => {
  const hosts = [healthy, ejected];
  const text = whyText({ modid: 1, cmdid: 1, state: 'active', algorithm: 'classic', version: 7, hosts }, plain);
  expect(text.split('\n').map(line => line.split(/ {2,}/))).toEqual([
    ['host', 'state', 'share', 'last change', 'now'],
    ['10.0.0.1:80', 'healthy', '90.9%', '-', 'errRun 0'],
    ['10.0.0.2:80', 'ejected', '9.1%', 'ejected 4 s ago: failure-run (limit 15), errRun 15', 'errRun 2, stateMs 4200.123'],
    [''],
    ['2 hosts, version 7, balanced by classic'],
    [''],
  ]);
});

test.each([
  ['active', true],
  ['serving', true],
  ['absent', false],
  ['unknown', false],
] as const)('a module that is %s has a route: %s', (state, expected) => {
  expect(isActive({ modid: 1, cmdid: 1, state, algorithm: '', version: 0, hosts: [] })).toBe(expected);
});

describe('below the table, a line for whatever is unusual about the module', () => {
  const usual: ConductWhy = {
    picks: 1_000,
    unreported: 0,
    unpicked: 0,
    inFlightKnown: true,
    impossibleDurations: false,
    normalMs: 12,
  };

  function lines(conduct: Partial<ConductWhy> | undefined): string[] {
    const module = { modid: 1, cmdid: 1, state: 'active', algorithm: 'adaptive', version: 7, hosts: [healthy] } as const;
    const why = conduct === undefined ? module : { ...module, conduct: { ...usual, ...conduct } };
    const all = whyText(why, plain).split('\n');
    expect(all.at(-1)).toBe('');
    return all.slice(all.indexOf('1 hosts, version 7, balanced by adaptive') + 1, -1);
  }

  test('none where nothing is, or nothing is known', () => {
    expect([lines(undefined), lines({})]).toEqual([[], []]);
  });

  test('calls are refused', () => {
    const shedding = { forMs: 4_200, refused: 311, timeoutMs: 999.6 };
    expect(lines({ shedding, normalMs: 12.3456 })).toEqual([
      'Calls are refused since 4.2 s ago, 311 until now: work waits at the hosts. ' +
        'Callers gave up after 999.6 ms; in quiet times an answer takes 12.346 ms.',
    ]);
  });

  test('few calls are reported', () => {
    expect(lines({ inFlightKnown: false, unreported: 900 })).toEqual([
      'Callers report 10.0% of the calls that are picked: hosts take turns, whatever is in flight.',
    ]);
  });

  test('a pick is used for many calls', () => {
    expect(lines({ inFlightKnown: false, unpicked: 19_000 })).toEqual([
      'Callers use a pick for 20 calls: hosts take turns, whatever is in flight.',
    ]);
  });

  test.each([0, 1])('no success was reported yet, after %i picks', picks => {
    expect(lines({ inFlightKnown: false, picks })).toEqual([
      'Callers have reported no success yet: hosts take turns, whatever is in flight.',
    ]);
  });

  test('there are reports, and nothing was picked', () => {
    expect(lines({ inFlightKnown: false, picks: 0, unpicked: 3 })).toEqual([
      'Callers report calls that were not picked: hosts take turns, whatever is in flight.',
    ]);
  });

  test('neither where that does no harm', () => {
    expect(lines({ unreported: 100, unpicked: 100 })).toEqual([]);
  });

  test('durations cannot be', () => {
    expect(lines({ impossibleDurations: true })).toEqual([
      'Callers report durations that are longer than the calls were in flight (in microseconds?); they are left out.',
    ]);
  });

  test('one line for each, where several are', () => {
    const shedding = { forMs: 1, refused: 1, timeoutMs: 1 };
    expect(lines({ shedding, inFlightKnown: false, unreported: 900, impossibleDurations: true })).toHaveLength(3);
  });
});
