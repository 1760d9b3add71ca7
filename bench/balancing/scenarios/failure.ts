// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { hosts, type Scenario, scenario } from '../sim/scenario.ts';
import { outage, type Plan } from './plan.ts';

export const failurePlans: readonly Plan[] = [
  {
    name: 'stop-and-return',
    group: 'failure',
    about: 'One of 8 hosts refuses connections for 25 s; the others could easily carry its calls.',
    build: stopAndReturn,
  },
  {
    name: 'black-hole',
    group: 'failure',
    about: 'One of 6 hosts does not answer any more for 45 s; each call to it costs a timeout of 1 s.',
    build: blackHole,
  },
  {
    name: 'half-lost',
    group: 'failure',
    about: 'Six of 12 hosts stop for 25 s, some refusing and some silent; the others are at 90 % of their capacity then.',
    build: halfLost,
  },
  {
    name: 'zone-lost',
    group: 'failure',
    about: 'One of three zones with 8 hosts each is silent for 18 s; callers try once more.',
    build: zoneLost,
  },
  {
    name: 'flapping',
    group: 'failure',
    about: 'One of 5 hosts is down for 4 s and up for 6 s, again and again, now refusing, now silent.',
    build: flapping,
  },
  {
    name: 'all-lost',
    group: 'failure',
    about: 'All 6 hosts refuse for 12 s: how soon is the module served again when they return?',
    build: allLost,
  },
];

function stopAndReturn(draw: Draw): Scenario {
  const fromMs = draw.between(14_000, 16_000);
  const toMs = fromMs + 25_000;
  const stopped = [draw.index(8)];
  return scenario({
    durationMs: 60_000,
    ratePerSec: 440,
    hosts: hosts(8),
    work: lognormal(0.7),
    timeline: outage(stopped, fromMs, toMs, 'refusing'),
    focus: { hosts: stopped, fromMs, toMs },
  });
}

function blackHole(draw: Draw): Scenario {
  const fromMs = draw.between(18_000, 22_000);
  return scenario({
    durationMs: 90_000,
    ratePerSec: 60,
    agents: 1,
    hosts: hosts(6),
    work: lognormal(1),
    timeline: outage([draw.index(6)], fromMs, fromMs + 45_000, 'silent'),
  });
}

function halfLost(draw: Draw): Scenario {
  const fromMs = draw.between(10_000, 14_000);
  const toMs = fromMs + 25_000;
  const stopped = draw.some(6, 12);
  return scenario({
    durationMs: 55_000,
    ratePerSec: 540,
    agents: 3,
    hosts: hosts(12),
    work: lognormal(0.7),
    timeline: [
      ...outage(stopped.slice(0, 3), fromMs, toMs, 'refusing'),
      ...outage(stopped.slice(3), fromMs + 400, toMs, 'silent'),
    ],
  });
}

function zoneLost(draw: Draw): Scenario {
  const fromMs = draw.between(11_000, 13_000);
  const zones = ['a', 'b', 'c'];
  const first = 8 * draw.index(zones.length);
  const stopped = Array.from({ length: 8 }, (_, index) => first + index);
  return scenario({
    durationMs: 45_000,
    ratePerSec: 1_000,
    agents: 6,
    hosts: zones.flatMap(zone => hosts(8, { zone })),
    work: lognormal(0.7),
    retries: { limit: 1, backoffMs: 20 },
    timeline: outage(stopped, fromMs, fromMs + 18_000, 'silent'),
  });
}

function flapping(draw: Draw): Scenario {
  const host = [draw.index(5)];
  const firstMs = draw.between(8_000, 11_000);
  const turns = Array.from({ length: 8 }, (_, turn) => {
    const fromMs = firstMs + turn * 10_000;
    return outage(host, fromMs, fromMs + 4_000, turn % 2 === 0 ? 'refusing' : 'silent');
  });
  return scenario({ durationMs: 95_000, ratePerSec: 200, hosts: hosts(5), work: lognormal(0.7), timeline: turns.flat() });
}

function allLost(draw: Draw): Scenario {
  const fromMs = draw.between(14_000, 17_000);
  return scenario({
    durationMs: 60_000,
    ratePerSec: 250,
    hosts: hosts(6),
    work: lognormal(0.7),
    timeline: outage([0, 1, 2, 3, 4, 5], fromMs, fromMs + 12_000, 'refusing'),
  });
}
