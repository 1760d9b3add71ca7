// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { hosts, type Scenario, scenario } from '../sim/scenario.ts';
import { outage, type Plan } from './plan.ts';

export const overloadPlans: readonly Plan[] = [
  {
    name: 'overload-130',
    group: 'overload',
    about: 'For 25 s callers ask for 130 % of what 6 hosts can do; lines are long, and an answer after 600 ms is worth nothing.',
    build: overload130,
  },
  {
    name: 'too-few-left',
    group: 'overload',
    about: 'At 70 % of the capacity, five of 10 hosts fall silent for 20 s: the others would need 140 %.',
    build: tooFewLeft,
  },
  {
    name: 'bursts',
    group: 'overload',
    about: 'Bursts of 170 % for 3 s, every 12 s; callers who fail try twice more, so a burst can outlive itself.',
    build: bursts,
  },
];

function overload130(draw: Draw): Scenario {
  const fromMs = draw.between(9_000, 12_000);
  return scenario({
    durationMs: 60_000,
    ratePerSec: [
      { fromMs: 0, ratePerSec: 300 },
      { fromMs, ratePerSec: 780 },
      { fromMs: fromMs + 25_000, ratePerSec: 300 },
    ],
    hosts: hosts(6, { queueLimit: 400 }),
    work: lognormal(0.7),
    timeoutMs: 600,
  });
}

function tooFewLeft(draw: Draw): Scenario {
  const fromMs = draw.between(10_000, 13_000);
  return scenario({
    durationMs: 55_000,
    ratePerSec: 700,
    agents: 3,
    hosts: hosts(10),
    work: lognormal(0.7),
    timeline: outage(draw.some(5, 10), fromMs, fromMs + 20_000, 'silent'),
  });
}

function bursts(draw: Draw): Scenario {
  const firstMs = draw.between(8_000, 10_000);
  const steps = [0, 1, 2, 3].flatMap(turn => [
    { fromMs: firstMs + turn * 12_000, ratePerSec: 1_360 },
    { fromMs: firstMs + turn * 12_000 + 3_000, ratePerSec: 400 },
  ]);
  return scenario({
    durationMs: 60_000,
    ratePerSec: [{ fromMs: 0, ratePerSec: 400 }, ...steps],
    agents: 3,
    hosts: hosts(8, { queueLimit: 1_000 }),
    work: lognormal(0.7),
    timeoutMs: 500,
    retries: { limit: 2, backoffMs: 30 },
  });
}
