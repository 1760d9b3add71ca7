import { describe, expect, test } from 'vitest';
import { type ConductWhy, type HostWhy, whyText } from '../../../cli/src/output/why-table.ts';

const plain = (_style: string, text: string) => text;
const idle: HostWhy = { host: '10.0.0.1:80', weight: 0, zone: '', state: 'idle', share: 0.909, numbers: { errRun: 0 } };
const overloaded: HostWhy = {
  ...idle,
  host: '10.0.0.2:80',
  state: 'overloaded',
  share: 1 / 11,
  numbers: { errRun: 2, stateMs: 4200.12345 },
  last: { to: 'overloaded', cause: 'failure-run', agoMs: 4_200, numbers: { errRun: 15, limit: 15 } },
};

test('one line a host: state, share, how it came to that, and what is counted now', () => {
  const hosts = [idle, overloaded];
  const text = whyText({ modid: 1, cmdid: 1, state: 'serving', algorithm: 'classic', version: 7, hosts }, plain);
  expect(text.split('\n').map(line => line.split(/ {2,}/))).toEqual([
    ['host', 'state', 'share', 'last change', 'now'],
    ['10.0.0.1:80', 'idle', '90.9%', '-', 'errRun 0'],
    ['10.0.0.2:80', 'overloaded', '9.1%', 'overloaded 4 s ago: failure-run (limit 15), errRun 15', 'errRun 2, stateMs 4200.123'],
    [''],
    ['2 hosts, version 7, balanced by classic'],
    [''],
  ]);
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
    const module = { modid: 1, cmdid: 1, state: 'serving', algorithm: 'adaptive', version: 7, hosts: [idle] } as const;
    const told = conduct === undefined ? module : { ...module, conduct: { ...usual, ...conduct } };
    const all = whyText(told, plain).split('\n');
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

  test('neither where that does no harm', () => {
    expect(lines({ unreported: 100, unpicked: 100 })).toEqual([]);
  });

  test('durations cannot be', () => {
    expect(lines({ impossibleDurations: true })).toEqual([
      'Callers tell durations that are longer than the calls were under way (in microseconds?); they are left out.',
    ]);
  });

  test('one line for each, where several are', () => {
    const shedding = { forMs: 1, refused: 1, timeoutMs: 1 };
    expect(lines({ shedding, inFlightKnown: false, unreported: 900, impossibleDurations: true })).toHaveLength(3);
  });
});
