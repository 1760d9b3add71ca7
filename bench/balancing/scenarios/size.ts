// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { hosts, type Scenario, scenario } from '../sim/scenario.ts';
import { outage, type Plan } from './plan.ts';

export const sizePlans: readonly Plan[] = [
  {
    name: 'one-of-three',
    group: 'size',
    about: 'One of 3 hosts refuses for 30 s: a third of all calls is at stake.',
    build: oneOfThree,
  },
  {
    name: 'three-of-fifty',
    group: 'size',
    about: 'Of 50 hosts one refuses, one is silent and one errs in 40 % of the calls, until the end.',
    build: threeOfFifty,
  },
  {
    name: 'one-a-second',
    group: 'size',
    about: 'One call a second for 4 hosts, one of them silent for 6 minutes: few calls to learn from.',
    build: oneASecond,
  },
  {
    name: 'quiet-agents',
    group: 'size',
    about: 'Each of 24 agents sees only 3 calls a second, and must learn by itself that one of 8 hosts is silent for 60 s.',
    build: quietAgents,
  },
];

function oneOfThree(draw: Draw): Scenario {
  const fromMs = draw.between(12_000, 15_000);
  return scenario({
    durationMs: 60_000,
    ratePerSec: 130,
    hosts: hosts(3),
    work: lognormal(0.7),
    timeline: outage([draw.index(3)], fromMs, fromMs + 30_000, 'refusing'),
  });
}

function threeOfFifty(draw: Draw): Scenario {
  const [first = 0, second = 0, third = 0] = draw.some(3, 50);
  const atMs = draw.between(4_000, 6_000);
  return scenario({
    durationMs: 20_000,
    ratePerSec: 2_500,
    agents: 4,
    hosts: hosts(50),
    work: lognormal(0.7),
    timeline: [
      { atMs, hosts: [first], condition: { availability: 'refusing' } },
      { atMs, hosts: [second], condition: { availability: 'silent' } },
      { atMs, hosts: [third], condition: { errorRate: 0.4 } },
    ],
  });
}

function oneASecond(draw: Draw): Scenario {
  const fromMs = draw.between(120_000, 180_000);
  return scenario({
    durationMs: 900_000,
    ratePerSec: 1,
    agents: 1,
    hosts: hosts(4),
    work: lognormal(0.7),
    timeline: outage([draw.index(4)], fromMs, fromMs + 360_000, 'silent'),
  });
}

function quietAgents(draw: Draw): Scenario {
  const fromMs = draw.between(20_000, 25_000);
  return scenario({
    durationMs: 120_000,
    ratePerSec: 72,
    agents: 24,
    hosts: hosts(8),
    work: lognormal(0.7),
    timeline: outage([draw.index(8)], fromMs, fromMs + 60_000, 'silent'),
  });
}
