// pure
import { lognormal } from '../sim/distribution.ts';
import type { Draw } from '../sim/draw.ts';
import { type HostSpec, hostSpec, hosts, type Scenario, scenario } from '../sim/scenario.ts';
import type { Plan } from './plan.ts';

export const capacityPlans: readonly Plan[] = [
  {
    name: 'unequal-weighted',
    group: 'capacity',
    about: 'Six hosts with 1 to 8 workers at 75 % of their capacity; the route tells their weights.',
    build: () => unequal(workers => hostSpec({ workers, weight: workers * 10 })),
  },
  {
    name: 'unequal-unknown',
    group: 'capacity',
    about: 'The same hosts, but the route tells no weights.',
    build: () => unequal(workers => hostSpec({ workers })),
  },
  {
    name: 'small-pool',
    group: 'capacity',
    about: 'One of 6 hosts serves two calls at a time, keeps one waiting and refuses the others; no weights.',
    build: smallPool,
  },
];

function unequal(host: (workers: number) => HostSpec): Scenario {
  return scenario({
    durationMs: 60_000,
    ratePerSec: 450,
    hosts: [1, 2, 3, 4, 6, 8].map(host),
    work: lognormal(0.7),
  });
}

function smallPool(draw: Draw): Scenario {
  const small = draw.index(6);
  return scenario({
    durationMs: 50_000,
    ratePerSec: 380,
    hosts: hosts(6).map((host, index) => (index === small ? hostSpec({ workers: 2, queueLimit: 1 }) : host)),
    work: lognormal(0.7),
  });
}
