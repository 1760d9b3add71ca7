// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { type Change, hosts, type Scenario, scenario } from '../sim/scenario.ts';
import { type Plan, spell } from './plan.ts';

export const slowPlans: readonly Plan[] = [
  {
    name: 'ten-times-slower',
    group: 'slow',
    about: 'One of 8 hosts is ten times slower for 30 s, without errors of its own; with its fair share it drowns.',
    build: tenTimesSlower,
  },
  {
    name: 'creeping',
    group: 'slow',
    about: 'One of 6 hosts gets slower and slower, 20 times in the end, within 40 s; then it is repaired.',
    build: creeping,
  },
  {
    name: 'hiccups',
    group: 'slow',
    about:
      'Each of 10 hosts, now and then, is eight times slower for two seconds: a noisy neighbour, a backup, a collection of garbage.',
    build: hiccups,
  },
  {
    name: 'heavy-tail',
    group: 'slow',
    about: 'Nothing is wrong, but the work of calls and the network vary wildly: nobody should be punished.',
    build: heavyTail,
  },
];

function tenTimesSlower(draw: Draw): Scenario {
  const fromMs = draw.between(12_000, 15_000);
  return scenario({
    durationMs: 60_000,
    ratePerSec: 400,
    agents: 3,
    hosts: hosts(8),
    work: lognormal(0.5),
    timeline: spell([draw.index(8)], fromMs, fromMs + 30_000, { slowness: 10 }, { slowness: 1 }),
  });
}

function creeping(draw: Draw): Scenario {
  const fromMs = draw.between(8_000, 12_000);
  const slower = { from: 1, to: 20, overMs: 40_000 };
  return scenario({
    durationMs: 70_000,
    ratePerSec: 300,
    hosts: hosts(6),
    work: lognormal(0.5),
    timeline: spell([draw.index(6)], fromMs, fromMs + 45_000, { slowness: slower }, { slowness: 1 }),
  });
}

function hiccups(draw: Draw): Scenario {
  const durationMs = 50_000;
  const timeline: Change[] = [];
  for (let host = 0; host < 10; host++) {
    for (let atMs = draw.between(1_000, 15_000); atMs < durationMs; atMs += draw.between(10_000, 24_000)) {
      timeline.push(...spell([host], atMs, atMs + draw.between(1_500, 2_500), { slowness: 8 }, { slowness: 1 }));
    }
  }
  return scenario({ durationMs, ratePerSec: 500, agents: 4, hosts: hosts(10), work: lognormal(0.5), timeline });
}

function heavyTail(): Scenario {
  return scenario({
    durationMs: 50_000,
    ratePerSec: 550,
    agents: 3,
    hosts: hosts(10),
    work: lognormal(3),
    timeoutMs: 2_000,
    roundTripMs: 4,
    roundTrip: lognormal(2),
  });
}
