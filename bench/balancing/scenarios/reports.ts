// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { hosts, type Scenario, scenario } from '../sim/scenario.ts';
import { outage, type Plan, spell } from './plan.ts';

export const reportPlans: readonly Plan[] = [
  {
    name: 'lost-reports',
    group: 'reports',
    about: 'Every tenth report never reaches the agent; one of 8 hosts is silent for 25 s.',
    build: lostReports,
  },
  {
    name: 'no-tcost',
    group: 'reports',
    about:
      'Callers do not tell how long calls took; one of 8 hosts is eight times slower for 25 s, later another is silent for 25 s.',
    build: noTcost,
  },
];

function lostReports(draw: Draw): Scenario {
  const fromMs = draw.between(14_000, 18_000);
  return scenario({
    durationMs: 60_000,
    ratePerSec: 400,
    hosts: hosts(8),
    work: lognormal(0.7),
    reportLoss: 0.1,
    timeline: outage([draw.index(8)], fromMs, fromMs + 25_000, 'silent'),
  });
}

function noTcost(draw: Draw): Scenario {
  const fromMs = draw.between(9_000, 12_000);
  const [slow = 0, silent = 0] = draw.some(2, 8);
  return scenario({
    durationMs: 85_000,
    ratePerSec: 400,
    hosts: hosts(8),
    work: lognormal(0.7),
    reportsTcost: false,
    timeline: [
      ...spell([slow], fromMs, fromMs + 25_000, { slowness: 8 }, { slowness: 1 }),
      ...outage([silent], fromMs + 33_000, fromMs + 58_000, 'silent'),
    ],
  });
}
