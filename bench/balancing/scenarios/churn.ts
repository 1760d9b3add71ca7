// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { type Change, hosts, type Scenario, scenario } from '../sim/scenario.ts';
import { cold, type Plan } from './plan.ts';

export const churnPlans: readonly Plan[] = [
  {
    name: 'rolling-restart',
    group: 'churn',
    about: 'Nine hosts restart one after the other: 4 s refusing, then cold, five times slower at first, for 4 s.',
    build: rollingRestart,
  },
  {
    name: 'cold-joiners',
    group: 'churn',
    about: 'Three cold hosts, eight times slower at first, join 5 hosts that are at 80 % of their capacity.',
    build: coldJoiners,
  },
  {
    name: 'replacement',
    group: 'churn',
    about: 'Six hosts are replaced one by one: a new one joins, an old one leaves the route and stops a second later.',
    build: replacement,
  },
];

function rollingRestart(draw: Draw): Scenario {
  const order = draw.order(9);
  const timeline = order.flatMap((host, turn): Change[] => {
    const atMs = 5_000 + turn * 7_000;
    return [
      { atMs, hosts: [host], condition: { availability: 'refusing' } },
      { atMs: atMs + 4_000, hosts: [host], condition: cold(5, 4_000) },
    ];
  });
  return scenario({ durationMs: 75_000, ratePerSec: 450, hosts: hosts(9), work: lognormal(0.7), timeline });
}

function coldJoiners(draw: Draw): Scenario {
  const atMs = draw.between(14_000, 17_000);
  return scenario({
    durationMs: 50_000,
    ratePerSec: 400,
    hosts: [...hosts(5), ...hosts(3, { inRoute: false })],
    work: lognormal(0.7),
    timeline: [{ atMs, hosts: [5, 6, 7], inRoute: true, condition: cold(8, 12_000) }],
  });
}

function replacement(draw: Draw): Scenario {
  const order = draw.order(6);
  const timeline = order.flatMap((old, turn): Change[] => {
    const atMs = 5_000 + turn * 6_000;
    return [
      { atMs, hosts: [6 + turn], inRoute: true, condition: cold(4, 5_000) },
      { atMs: atMs + 2_000, hosts: [old], inRoute: false },
      { atMs: atMs + 3_000, hosts: [old], condition: { availability: 'refusing' } },
    ];
  });
  return scenario({
    durationMs: 50_000,
    ratePerSec: 360,
    hosts: [...hosts(6), ...hosts(6, { inRoute: false })],
    work: lognormal(0.7),
    timeline,
  });
}
