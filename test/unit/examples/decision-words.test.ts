/** The agent's own balancers decide; the words are for what they decided, and what they were told of it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type HostInfo, hostKey, parseHost } from '@lars/proto';
import { describe, expect, test } from 'vitest';
import { ADAPTIVE_DEFAULTS, adaptiveBalancer } from '../../../agent/src/balancer/adaptive/adaptive.ts';
import type { BalancerFactory, Transition, TransitionCause } from '../../../agent/src/balancer/balancer.ts';
import { CLASSIC_DEFAULTS, type ClassicOptions, classicBalancer } from '../../../agent/src/balancer/classic/classic.ts';
import { decisionText } from '../../../examples/demo/decision-words.ts';
import { seededRandom } from '../../../examples/demo/random.ts';

const host = (port: number): HostInfo => ({ ...parseHost(`127.0.0.1:${port}`), weight: 0, zone: '', drain: false });
const HOSTS = [host(4001), host(4002), host(4003)];
const VICTIM = HOSTS[0] as HostInfo;

function watched(factory: BalancerFactory) {
  const transitions: Transition[] = [];
  const balancer = factory({ random: seededRandom(1), onTransition: transition => transitions.push(transition) });
  balancer.setHosts(HOSTS, 0);
  let nowMs = 0;
  /** So many calls to one host, a tenth of a second apart. */
  const reports = (count: number, ok: boolean, one = VICTIM) => {
    for (let i = 0; i < count; i++) {
      nowMs += 100;
      balancer.report(hostKey(one), ok, 5, nowMs);
    }
  };
  const wait = (ms: number) => {
    nowMs += ms;
  };
  return { balancer, reports, wait, now: () => nowMs, transitions };
}

function classicDecision(change: Partial<ClassicOptions>, act: (world: ReturnType<typeof watched>) => void) {
  const never = { errRate: 1, succRate: 1, continErrLimit: 1_000, continSuccLimit: 1_000 };
  const world = watched(classicBalancer({ ...CLASSIC_DEFAULTS, ...never, ...change }));
  act(world);
  return world.transitions.at(-1);
}

function adaptiveDecision(act: (world: ReturnType<typeof watched>) => void) {
  const world = watched(adaptiveBalancer(ADAPTIVE_DEFAULTS));
  act(world);
  return world.transitions.filter(({ to }) => ['ejected', 'ejected', 'healthy', 'recovered'].includes(to)).at(-1);
}

const fails = ({ reports }: ReturnType<typeof watched>) => {
  // Where no success was ever told, failures say nothing.
  reports(1, true, HOSTS[1]);
  reports(20, false);
};
const CASES: readonly [TransitionCause, () => Transition | undefined, RegExp][] = [
  [
    'failure-run',
    () => classicDecision({ continErrLimit: 3 }, w => w.reports(3, false)),
    /^ejected: a run of 3 failures, limit 3 /,
  ],
  [
    'error-rate',
    () => classicDecision({ errRate: 0.1, initSuccCnt: 20 }, w => w.reports(3, false)),
    /^ejected: virtual error rate 13\.0 %, limit 10\.0 % /,
  ],
  [
    'window-error-rate',
    () => classicDecision({ windowErrRate: 0.7 }, w => w.reports(150, false)),
    /^ejected: error rate of a window 100\.0 %, limit 70\.0 % /,
  ],
  [
    'success-rate',
    () =>
      classicDecision({ continErrLimit: 3, initErrCnt: 5, succRate: 0.5 }, w => {
        w.reports(3, false);
        w.reports(6, true);
      }),
    /^healthy again: virtual success rate 54\.5 %, limit 50\.0 % /,
  ],
  [
    'success-run',
    () =>
      classicDecision({ continErrLimit: 3, continSuccLimit: 4 }, w => {
        w.reports(3, false);
        w.reports(4, true);
      }),
    /^healthy again: a run of 4 successes, limit 4 /,
  ],
  [
    'overload-timeout',
    () =>
      classicDecision({ continErrLimit: 3, overloadTimeoutMs: 15_000 }, w => {
        w.reports(3, false);
        w.wait(15_000);
        w.reports(1, false);
      }),
    /^healthy again, untested: ejected for 15\.1 s, limit 15 s /,
  ],
  ['error-evidence', () => adaptiveDecision(fails), /^ejected: evidence of errors \d+\.\d, limit \d+\.\d /],
  [
    'call-succeeded',
    () =>
      adaptiveDecision(w => {
        fails(w);
        w.reports(1, true);
      }),
    /^back on probation: a call succeeded in 5\.0 ms /,
  ],
  [
    'none-left',
    () =>
      adaptiveDecision(w => {
        fails(w);
        w.balancer.setHosts([VICTIM], w.now());
      }),
    /^back: no other host is left /,
  ],
  [
    'all-err',
    () =>
      adaptiveDecision(w => {
        fails(w);
        for (let round = 0; round < 20; round++) for (const one of HOSTS) w.reports(1, false, one);
      }),
    /^back: all hosts fail, it is no worse than they /,
  ],
];

describe('what the agent decided, in words', () => {
  test.each(CASES)('%s', (cause, decide, words) => {
    const decided = decide();
    expect(decided?.cause).toBe(cause);
    const { to = '', numbers = {} } = decided ?? {};
    const text = decisionText({ host: '127.0.0.1:4001', to, cause, numbers });
    expect(text).toMatch(words);
    expect(text.length).toBeLessThan(75);
    const page = readFileSync(path.resolve(import.meta.dirname, '../../../docs/load-balancing.md'), 'utf8');
    expect(page).toContain(`- **${/\((..-\d+)\)$/.exec(text)?.[1]}** `);
  });

  test('a cause that nobody knows yet is told as it is', () => {
    expect(decisionText({ host: 'a', to: 'ejected', cause: 'new-rule', numbers: {} })).toBe('ejected: new-rule');
  });
});
