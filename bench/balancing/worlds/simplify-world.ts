// pure
import { keepSpareCapacity, LONGEST_MS, LOWEST_RATE } from './spare-capacity.ts';
import { threeDigits, type WorldParameters } from './world-parameters.ts';

/** With fewer calls a p99 is a matter of a handful of them. */
const FEWEST_CALLS = 1_000;

/** Steps to a simpler world, the boldest first. One that has nothing to do leaves the world as it is. */
const STEPS: readonly ((world: WorldParameters) => Partial<WorldParameters>)[] = [
  () => ({ pauses: null }),
  () => ({ regression: 1 }),
  () => ({ burst: 1 }),
  () => ({ sharedErrors: 0 }),
  ({ sharedErrors }) => ({ sharedErrors: Math.min(1, sharedErrors) }),
  () => ({ reportLoss: 0 }),
  () => ({ reportsTcost: true }),
  () => ({ inequality: 1 }),
  () => ({ errorRate: 0 }),
  () => ({ errorWork: 1 }),
  () => ({ work: { shape: 'constant' } }),
  ({ work }) => ({ work: work.shape === 'lognormal' ? { shape: 'exponential' } : work }),
  () => ({ agents: 1 }),
  ({ agents }) => ({ agents: Math.ceil(agents / 2) }),
  ({ fault }) => ({ fault: fault && { ...fault, hosts: 1 } }),
  world => fewerHosts(world, Math.min(2, world.hosts)),
  world => fewerHosts(world, Math.ceil(world.hosts / 2)),
  world => fewerHosts(world, Math.max(1, world.hosts - 1)),
  shorter,
  ({ workers }) => ({ workers: Math.ceil(workers / 2) }),
  ({ timeoutFactor }) => ({ timeoutFactor: Math.min(10, timeoutFactor) }),
  // Rounder numbers.
  ({ workers }) => ({ workers: Math.max(1, oneDigit(workers)) }),
  ({ serviceMs }) => ({ serviceMs: oneDigit(serviceMs) }),
  ({ ratePerSec }) => ({ ratePerSec: oneDigit(ratePerSec) }),
  ({ durationMs }) => ({ durationMs: oneDigit(durationMs) }),
  ({ roundTripMs }) => ({ roundTripMs: oneDigit(roundTripMs) }),
  ({ timeoutFactor }) => ({ timeoutFactor: oneDigit(timeoutFactor) }),
  ({ errorRate }) => ({ errorRate: oneDigit(errorRate) }),
  ({ reportLoss }) => ({ reportLoss: oneDigit(reportLoss) }),
  ({ inequality }) => ({ inequality: Number(inequality.toFixed(1)) }),
  ({ regression }) => ({ regression: Math.round(regression) }),
  ({ burst }) => ({ burst: Math.round(burst) }),
  ({ pauses }) => ({
    pauses: pauses && { ...pauses, slowness: Math.round(pauses.slowness), lengthMs: oneDigit(pauses.lengthMs) },
  }),
];

/** Every simpler world that is one step away, and still has spare capacity. */
export function simplerWorlds(world: WorldParameters): WorldParameters[] {
  return STEPS.map(step => keepSpareCapacity({ ...world, ...step(world) })).filter(simpler => !isSame(simpler, world));
}

/** The load of a host stays as it is, and the number of calls. */
function fewerHosts({ hosts, ratePerSec, durationMs }: WorldParameters, fewer: number): Partial<WorldParameters> {
  const lessPerSec = Math.max(LOWEST_RATE, threeDigits((ratePerSec * fewer) / hosts));
  const longerMs = Math.min(LONGEST_MS, threeDigits((durationMs * ratePerSec) / lessPerSec));
  return { hosts: fewer, ratePerSec: lessPerSec, durationMs: longerMs };
}

function shorter({ ratePerSec, durationMs }: WorldParameters): Partial<WorldParameters> {
  return (ratePerSec * durationMs) / 2_000 < FEWEST_CALLS ? {} : { durationMs: threeDigits(durationMs / 2) };
}

function oneDigit(value: number): number {
  return Number(value.toPrecision(1));
}

function isSame(a: WorldParameters, b: WorldParameters): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
