// pure

import { spell } from '../scenarios/plan.ts';
import { Draw } from '../sim/draw.ts';
import { randomStream } from '../sim/random.ts';
import {
  type Change,
  type Condition,
  type HostSpec,
  hostSpec,
  type RateStep,
  type Scenario,
  scenario,
  WELL,
} from '../sim/scenario.ts';
import { SHARED_ERROR_RATE, timeoutMs } from './spare-capacity.ts';
import { workNumbers } from './work-shape.ts';
import type { Fault, Pauses, WorldParameters } from './world-parameters.ts';

/** A line that no world is long enough to fill: refusals and timeouts are the balancer's doing or the fault's. */
const QUEUE_LIMIT = 20_000;
const FAULT_SLOWNESS = 6;
const PAUSES_PER_HOST = 4;
const BURSTS = 10;
/** A moment in which all hosts err lasts for this part of the time. */
const SHARED_ERRORS_PART = 1 / 25;

/** The world as a scenario. Equal parameters give equal scenarios. */
export function buildWorld(world: WorldParameters): Scenario {
  const { durationMs, agents, roundTripMs, reportLoss, reportsTcost } = world;
  return scenario({
    durationMs,
    ratePerSec: ratesOf(world),
    agents,
    hosts: hostsOf(world),
    work: workNumbers(world.work).distribution,
    timeoutMs: timeoutMs(world),
    roundTripMs,
    reportLoss,
    reportsTcost,
    timeline: [...regressionOf(world), ...pausesOf(world), ...sharedErrorsOf(world), ...faultOf(world)].toSorted(
      (a, b) => a.atMs - b.atMs,
    ),
  });
}

/** The first host is the fastest and the last the slowest. */
function hostsOf({ hosts, workers, serviceMs, inequality, errorRate, errorWork }: WorldParameters): HostSpec[] {
  const condition: Condition = { ...WELL, errorRate, errorWork };
  const slower = (index: number) => 1 + ((inequality - 1) * index) / Math.max(1, hosts - 1);
  return Array.from({ length: hosts }, (_, index) =>
    hostSpec({ workers, serviceMs: serviceMs * slower(index), queueLimit: QUEUE_LIMIT, condition }),
  );
}

function ratesOf({ ratePerSec, burst, durationMs }: WorldParameters): number | RateStep[] {
  if (burst === 1) return ratePerSec;
  const stepMs = durationMs / BURSTS;
  return Array.from({ length: BURSTS }, (_, step) => [
    { fromMs: step * stepMs, ratePerSec },
    { fromMs: (step + 0.75) * stepMs, ratePerSec: ratePerSec * burst },
  ]).flat();
}

function regressionOf(world: WorldParameters): Change[] {
  if (world.regression === 1) return [];
  // In a troubled world it comes before the fault: a host that is slow for two reasons would be cured of both at once.
  const [from, to] = world.fault === null ? [0.2, 0.6] : [0.05, 0.15];
  const atMs = chance(world, 'regression').between(from, to) * world.durationMs;
  return [{ atMs, hosts: everyHost(world), condition: { slowness: world.regression } }];
}

function pausesOf(world: WorldParameters): Change[] {
  const { pauses } = world;
  if (pauses === null) return [];
  const draw = chance(world, 'pauses');
  const pausing = pauses.whose === 'one host' ? [draw.index(world.hosts)] : everyHost(world);
  return pausing.flatMap(host => pausesOfHost(host, pauses, draw, world));
}

function pausesOfHost(host: number, { slowness, lengthMs }: Pauses, draw: Draw, world: WorldParameters): Change[] {
  const slotMs = world.durationMs / PAUSES_PER_HOST;
  const ordinary = (atMs: number) => ordinarySlowness(world, atMs);
  return Array.from({ length: PAUSES_PER_HOST }, (_, slot) => {
    const fromMs = (slot + draw.between(0, 0.7)) * slotMs;
    const toMs = fromMs + lengthMs;
    return spell([host], fromMs, toMs, { slowness: slowness * ordinary(fromMs) }, { slowness: ordinary(toMs) });
  }).flat();
}

/** How slow every host is then that neither pauses nor is at fault. */
function ordinarySlowness(world: WorldParameters, atMs: number): number {
  const [regression] = regressionOf(world);
  return regression !== undefined && atMs >= regression.atMs ? world.regression : 1;
}

function sharedErrorsOf(world: WorldParameters): Change[] {
  const { durationMs, sharedErrors, errorRate } = world;
  const draw = chance(world, 'shared errors');
  const lengthMs = durationMs * SHARED_ERRORS_PART;
  const slotMs = durationMs / Math.max(1, sharedErrors);
  return Array.from({ length: sharedErrors }, (_, slot) => {
    const fromMs = (slot + draw.between(0, 0.8)) * slotMs;
    return spell(everyHost(world), fromMs, fromMs + lengthMs, { errorRate: SHARED_ERROR_RATE }, { errorRate });
  }).flat();
}

function faultOf(world: WorldParameters): Change[] {
  const { fault, hosts, durationMs } = world;
  if (fault === null) return [];
  const draw = chance(world, 'fault');
  const fromMs = draw.between(0.2, 0.4) * durationMs;
  const toMs = fromMs + draw.between(0.2, 0.4) * durationMs;
  return spell(draw.some(fault.hosts, hosts), fromMs, toMs, sick(fault, world), cured(fault, world));
}

function sick({ how, errorRate }: Fault, world: WorldParameters): Partial<Condition> {
  switch (how) {
    case 'refuses':
      return { availability: 'refusing' };
    case 'is silent':
      return { availability: 'silent' };
    case 'errs':
      return { errorRate };
    case 'is slow':
      return { slowness: FAULT_SLOWNESS * world.regression };
  }
}

function cured({ how }: Fault, world: WorldParameters): Partial<Condition> {
  switch (how) {
    case 'refuses':
    case 'is silent':
      return { availability: 'up' };
    case 'errs':
      return { errorRate: world.errorRate };
    case 'is slow':
      return { slowness: world.regression };
  }
}

function everyHost({ hosts }: WorldParameters): number[] {
  return Array.from({ length: hosts }, (_, host) => host);
}

/** Each part has a stream of its own, so that leaving out one does not move the others. */
function chance({ seed, kind }: WorldParameters, part: string): Draw {
  return new Draw(randomStream(seed, `world ${kind} ${part}`));
}
