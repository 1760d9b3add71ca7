import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CAUSE_RULES } from '../../../agent/src/balancer/balancer.ts';
import { type ConductWhy, type HostWhy, isActive, type ModuleWhy } from '../../../cli/src/output/module-why.ts';
import { CAUSE_MEANINGS } from '../../../cli/src/output/trouble.ts';
import { whyText } from '../../../cli/src/output/why-table.ts';

const plain = (_style: string, text: string) => text;
const numbers = { expectedMs: 12.4, priceMs: 11.6, inFlight: 3, errorRate: 0, lastCalls: 31, lastFailures: 0 };
const healthy: HostWhy = { host: '10.0.0.1:80', weight: 0, zone: '', state: 'healthy', share: 0.9, picks: 90, numbers };
const ejected: HostWhy = {
  ...healthy,
  host: '10.0.0.2:80',
  state: 'ejected',
  share: 0,
  picks: 0,
  numbers: { ...numbers, lastCalls: 16, lastFailures: 15, failuresInRow: 3, probeInMs: 2_600 },
  last: { to: 'ejected', cause: 'error-evidence', rule: 'AD-7', agoMs: 72_000, numbers: {} },
};
const avoided: HostWhy = {
  ...healthy,
  host: '10.0.0.3:80',
  share: 0.1,
  picks: 10,
  avoidedTimes: 6.8,
  numbers: { ...numbers, expectedMs: 81, lastCalls: 3, lastFailures: 1 },
};
const probation: HostWhy = {
  ...healthy,
  host: '10.0.0.4:80',
  state: 'probation',
  last: { to: 'healthy', cause: 'call-succeeded', rule: 'AD-12', agoMs: 3_200, numbers: {} },
};
const draining: HostWhy = { ...healthy, host: '10.0.0.5:80', state: 'draining', share: 0 };

function module(hosts: readonly HostWhy[], more: Partial<ModuleWhy> = {}): ModuleWhy {
  return { modid: 1, cmdid: 1, state: 'active', algorithm: 'adaptive', version: 7, hosts, ...more };
}

test('it begins with who is in trouble and why, then has all hosts with units, those in trouble first', () => {
  expect(whyText(module([healthy, avoided, draining, probation, ejected]), plain)).toBe(
    `3 of 5 hosts in trouble, 1 drains:
  10.0.0.2:80 ejected 1m 12s ago: it fails clearly more often than the others (error-evidence,
    AD-7); 15 of its last 16 calls failed; 2 probes in vain; next probe in 2.6 s at the earliest
  10.0.0.4:80 on probation, readmitted 3s ago: a call to it succeeded (call-succeeded, AD-12);
    nearly the next failure ejects it again
  10.0.0.3:80 avoided: 7 times as expensive as the others; 1 of its last 3 calls failed

host         state      share  in flight  takes  price    failed
10.0.0.2:80  ejected     0.0%          3  12 ms  12 ms  15 of 16
10.0.0.4:80  probation  90.0%          3  12 ms  12 ms   0 of 31
10.0.0.3:80  avoided    10.0%          3  81 ms  12 ms    1 of 3
10.0.0.1:80  healthy    90.0%          3  12 ms  12 ms   0 of 31
10.0.0.5:80  draining    0.0%          3  12 ms  12 ms   0 of 31

5 hosts, route version 7, balanced by adaptive
`,
  );
});

test('classic tells the counts of its period, and the limit that was met', () => {
  const counts = { realErr: 2, realSucc: 10, errRun: 2, stateMs: 4_200.12 };
  const last = { to: 'ejected', cause: 'failure-run', rule: 'LB-7', agoMs: 4_200, numbers: { errRun: 15, limit: 15 } };
  const hosts = [{ ...healthy, state: 'ejected', numbers: counts, last }];
  expect(whyText(module(hosts, { algorithm: 'classic' }), plain)).toBe(
    `1 of 1 host in trouble:
  10.0.0.1:80 ejected 4s ago: too many failures in a row (failure-run, LB-7, limit 15); 2 of 12
    calls since then failed

host         state    share   failed  in a row  period
10.0.0.1:80  ejected  90.0%  2 of 12         2   4.2 s

1 host, route version 7, balanced by classic
`,
  );
});

test.each([
  ['all well', [healthy], 'No host is in trouble.'],
  ['some drain', [healthy, draining], 'No host is in trouble, 1 drains.'],
  ['all drain', [draining, draining], 'All hosts drain: no call can be made.'],
] as const)('the first line where %s', (_, hosts, line) => {
  expect(whyText(module(hosts), plain).split('\n')[0]).toBe(line);
});

test('of very many hosts in trouble the first are told in sentences', () => {
  const many = Array.from({ length: 50 }, (_, i) => ({ ...ejected, host: `10.0.0.${i}:80` }));
  const lines = whyText(module(many), plain).split('\n');
  expect(lines.filter(line => line.startsWith('  10.'))).toHaveLength(10);
  expect(lines).toContain('  and 40 more, see the table');
  expect(lines.filter(line => line.startsWith('10.'))).toHaveLength(50);
});

describe('fits the terminal', () => {
  const long = `a-very-long-name-of-a-host.in-some-cluster.in-some-zone.example.com:8080`;
  const hosts = [
    { ...ejected, host: long },
    { ...healthy, host: '[2001:db8:85a3:8d3:1319:8a2e:370:7348]:65535', numbers: { ...numbers, expectedMs: 999_999 } },
  ];

  test.each([80, 100])('of %i columns, and names both ends of a long host', columns => {
    const lines = whyText(module(hosts), plain, columns).split('\n');
    expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(columns);
    expect(lines.filter(line => /^a-very-long.*….*com:8080 {2}ejected/.test(line))).toHaveLength(1);
  });

  test('a narrow one leaves out numbers that matter less', () => {
    const title = (columns: number) =>
      whyText(module([healthy]), plain, columns)
        .split('\n')
        .find(line => line.startsWith('host'));
    expect(title(52)).toMatch(/^host +state +share +takes +failed$/);
    expect(title(40)).toMatch(/^host +state +share +failed$/);
  });

  test('where it has more columns than anybody reads, or none are known, they are 100', () => {
    expect(whyText(module(hosts), plain, 300)).toBe(whyText(module(hosts), plain));
  });
});

test('what an agent of an earlier version tells is told in the words of today', () => {
  const { lastCalls, lastFailures, ...older } = numbers;
  const text = whyText(
    module([
      { ...healthy, state: 'idle', numbers: older },
      { ...healthy, state: 'overloaded', numbers: { ...older, errorRate: 0.034 } },
    ]),
    plain,
  );
  expect([lastCalls, lastFailures, text]).toEqual([31, 0, expect.stringContaining('ejected ; 3.4% of its last calls failed')]);
  expect(text).not.toMatch(/idle|overloaded/);
});

test('each cause that the agent tells has its words, and there are none for causes that it does not tell', () => {
  expect(Object.keys(CAUSE_MEANINGS).sort()).toEqual(Object.keys(CAUSE_RULES).sort());
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
  const documented = new Map(Array.from(page.matchAll(/^\| `([a-z-]+)` \| ([^|]+) \|/gm), ([, cause, rules]) => [cause, rules]));
  expect([...documented.keys()].sort()).toEqual(Object.keys(CAUSE_RULES).sort());
  for (const [cause, rule] of Object.entries(CAUSE_RULES)) expect(documented.get(cause)).toContain(rule);
});

test.each([
  ['active', true],
  ['serving', true],
  ['absent', false],
  ['unknown', false],
] as const)('a module that is %s has a route: %s', (state, expected) => {
  expect(isActive(module([], { state }))).toBe(expected);
});

describe('above the table, a line for whatever is unusual about the module', () => {
  const usual: ConductWhy = {
    picks: 1_000,
    unreported: 0,
    unpicked: 0,
    late: 0,
    inFlightKnown: true,
    impossibleDurations: false,
    normalMs: 12,
  };

  function lines(conduct: Partial<ConductWhy> | undefined, more: Partial<ModuleWhy> = {}): string[] {
    const why = module([healthy], conduct === undefined ? more : { ...more, conduct: { ...usual, ...conduct } });
    const all = whyText(why, plain).split('\n');
    const unusual = all.slice(1, all.indexOf('')).join('\n');
    return unusual === '' ? [] : unusual.replaceAll(/\n(?![A-Z])/g, ' ').split('\n');
  }

  test('none where nothing is, or nothing is known', () => {
    expect([lines(undefined), lines({})]).toEqual([[], []]);
  });

  test('nobody calls it', () => {
    expect(lines({}, { hosts: [{ ...healthy, picks: 0 }] })).toEqual([
      'No call was picked in the last 10 s: what is shown here is what was known then.',
    ]);
  });

  test('the route is old', () => {
    expect(lines({}, { oldRouteSeconds: 130 })).toEqual([
      'The route is old: the agent knew it earlier, and dnsserver, which is away, has not confirmed it for 2m 10s.',
    ]);
  });

  test('calls are refused', () => {
    const shedding = { forMs: 4_200, refused: 311, timeoutMs: 999.6 };
    expect(lines({ shedding, normalMs: 12.3456 })).toEqual([
      'Calls are refused since 4s ago, 311 until now: work waits at the hosts. ' +
        'Callers gave up after 1.0 s; in quiet times an answer takes 12 ms.',
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

  test('reports come late', () => {
    expect(lines({ inFlightKnown: false, unreported: 90, late: 60 })).toEqual([
      'Callers report long after their calls have ended: hosts take turns, whatever is in flight.',
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
});

test('where calls fail at all hosts alike none is in trouble, and that is said', () => {
  const failing = { ...healthy, numbers: { ...numbers, lastCalls: 30, lastFailures: 30 } };
  expect(whyText(module([failing, { ...failing, host: '10.0.0.7:80' }]), plain)).toMatch(
    /^60 of the last 60 calls failed, and no host fails clearly more than the others\.\n/,
  );
  const few = { ...failing, numbers: { ...numbers, lastCalls: 4, lastFailures: 4 } };
  const little = { ...failing, numbers: { ...numbers, lastCalls: 30, lastFailures: 3 } };
  for (const host of [few, little]) expect(whyText(module([host]), plain)).toMatch(/^No host is in trouble\.\n/);
});
