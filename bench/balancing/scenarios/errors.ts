// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { hosts, type Scenario, scenario, WELL } from '../sim/scenario.ts';
import { type Plan, spell } from './plan.ts';

export const errorPlans: readonly Plan[] = [
  {
    name: 'brown-out',
    group: 'errors',
    about: 'One of 10 hosts answers 30 % of its calls with an error, and that at once, for 40 s.',
    build: brownOut,
  },
  {
    name: 'shared-errors',
    group: 'errors',
    about: 'All 8 hosts err in 20 % of the calls for 30 s, as when a database behind them fails: nobody should be ejected.',
    build: sharedErrors,
  },
  {
    name: 'worse-than-bad',
    group: 'errors',
    about: 'All 8 hosts err in 8 % of the calls, and for 30 s one of them in 50 %.',
    build: worseThanBad,
  },
];

function brownOut(draw: Draw): Scenario {
  const fromMs = draw.between(14_000, 16_000);
  const toMs = fromMs + 40_000;
  const brown = [draw.index(10)];
  const errorRate = 0.003;
  return scenario({
    durationMs: 75_000,
    ratePerSec: 400,
    agents: 4,
    hosts: hosts(10, { condition: { ...WELL, errorRate, errorWork: 0.1 } }),
    work: lognormal(0.7),
    timeline: spell(brown, fromMs, toMs, { errorRate: 0.3 }, { errorRate }),
    focus: { hosts: brown, fromMs, toMs },
  });
}

function sharedErrors(draw: Draw): Scenario {
  const fromMs = draw.between(10_000, 13_000);
  const all = [0, 1, 2, 3, 4, 5, 6, 7];
  return scenario({
    durationMs: 60_000,
    ratePerSec: 400,
    agents: 3,
    hosts: hosts(8),
    work: lognormal(0.7),
    timeline: spell(all, fromMs, fromMs + 30_000, { errorRate: 0.2 }, { errorRate: 0 }),
  });
}

function worseThanBad(draw: Draw): Scenario {
  const fromMs = draw.between(12_000, 15_000);
  const errorRate = 0.08;
  return scenario({
    durationMs: 60_000,
    ratePerSec: 400,
    hosts: hosts(8, { condition: { ...WELL, errorRate } }),
    work: lognormal(0.7),
    timeline: spell([draw.index(8)], fromMs, fromMs + 30_000, { errorRate: 0.5 }, { errorRate }),
  });
}
