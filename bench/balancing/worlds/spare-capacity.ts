// pure
/**
 * What keeps a world well: even where every host gets an equal share of the calls, no line is so long that a caller gives up. A world that
 * is drawn or changed at random goes through `keepSpareCapacity` before it is built.
 */
import { workNumbers } from './work-shape.ts';
import { type Fault, type Pauses, threeDigits, type WorldParameters } from './world-parameters.ts';

/** No host has more than this share of its capacity to do, not even in the busiest moment. */
export const HIGHEST_LOAD = 0.85;
/** Of all calls at most one in so many may wait in vain: with 10,000 calls a world, one call in ten worlds. */
const WAITS_IN_VAIN = 100_000;
/** The error rate of a moment in which all hosts err. */
export const SHARED_ERROR_RATE = 0.25;
/** A world is at least so many mean durations long, or nothing but its beginning would be seen. */
const SHORTEST_IN_DURATIONS = 40;
export const LOWEST_RATE = 1;
export const HIGHEST_RATE = 100_000;
/** While one is at fault, somebody must be able to take over. */
const FEWEST_WITH_A_FAULT = 3;
/** A burst lasts for this part of the time. */
export const BURST_PART = 0.25;

/** The longest that a call takes in service while nothing is at fault and no host pauses. */
export function slowestMs(world: WorldParameters): number {
  const { serviceMs, inequality, regression, errorRate, errorWork, sharedErrors, work } = world;
  const longestError = errorRate > 0 || sharedErrors > 0 ? errorWork : 0;
  return serviceMs * inequality * regression * Math.max(1, longestError) * workNumbers(work).longest;
}

export function timeoutMs(world: WorldParameters): number {
  return Math.ceil(world.timeoutFactor * (slowestMs(world) + world.roundTripMs));
}

/** The share of its capacity that the slowest host needs for an equal share of the calls, in an ordinary moment. */
export function ordinaryLoad({ ratePerSec, hosts, serviceMs, inequality, workers }: WorldParameters): number {
  return (ratePerSec * serviceMs * inequality) / (1_000 * hosts * workers);
}

/** ... and in the busiest moment, hosts at fault left out. */
export function peakLoad(world: WorldParameters): number {
  const { hosts, burst, regression, fault, errorWork, errorRate, sharedErrors } = world;
  const errors = sharedErrors > 0 ? SHARED_ERROR_RATE : errorRate;
  const errorLoad = 1 + errors * Math.max(0, errorWork - 1);
  return (ordinaryLoad(world) * burst * regression * errorLoad * hosts) / (hosts - (fault?.hosts ?? 0));
}

/**
 * The highest load at which hardly any call waits until its caller gives up. Lundberg's inequality bounds the share of the calls that wait
 * longer than a time, and Bennett's what is needed of the distribution of their work: its mean, its second moment and its longest.
 */
export function highestLoad(world: WorldParameters): number {
  const { longest, secondMoment } = workNumbers(world.work);
  const meanMs = world.serviceMs * world.inequality * world.regression;
  const patienceMs = timeoutMs(world) - slowestMs(world) - world.roundTripMs;
  const decay = (Math.log(WAITS_IN_VAIN) * meanMs) / (world.workers * patienceMs);
  const spread = (secondMoment / longest ** 2) * (Math.exp(decay * longest) - 1 - decay * longest);
  return Math.min(HIGHEST_LOAD, decay / (decay + spread));
}

/** The same world with more hosts, a lower rate, more workers or shorter pauses, if it has no spare capacity. Idempotent. */
export function keepSpareCapacity(world: WorldParameters): WorldParameters {
  const hosts = Math.max(world.hosts, world.fault === null ? 1 : FEWEST_WITH_A_FAULT);
  const fault = world.fault && keepEnoughHosts(world.fault, hosts);
  const inequality = hosts === 1 ? 1 : world.inequality;
  const long = keepLong({ ...world, hosts, fault, inequality });
  return keepLoad({ ...long, pauses: long.pauses && keepPausesShort(long.pauses, long) });
}

/** At most a third of the hosts are at fault. */
function keepEnoughHosts(fault: Fault, hosts: number): Fault {
  return { ...fault, hosts: Math.max(1, Math.min(fault.hosts, Math.floor(hosts / 3))) };
}

/** A call that meets a pause, and waits for others that did, is still answered in time; null where that cannot be. */
function keepPausesShort(pauses: Pauses, world: WorldParameters): Pauses | null {
  const slowness = Math.min(pauses.slowness, threeDigits(world.timeoutFactor / 2.5));
  const lengthMs = threeDigits(Math.min(pauses.lengthMs, timeoutMs(world) / 10, world.durationMs / 60));
  return slowness < 2 ? null : { ...pauses, slowness, lengthMs };
}

/** A world that is too short for its durations gets as many calls in a longer time. */
function keepLong(world: WorldParameters): WorldParameters {
  const { durationMs, serviceMs, ratePerSec } = world;
  const longerMs = Math.max(durationMs, threeDigits(SHORTEST_IN_DURATIONS * serviceMs));
  if (longerMs === durationMs) return world;
  return { ...world, durationMs: longerMs, ratePerSec: Math.max(LOWEST_RATE, roundDown((ratePerSec * durationMs) / longerMs)) };
}

function keepLoad(world: WorldParameters): WorldParameters {
  const excess = peakLoad(world) / highestLoad(world);
  if (excess <= 1) return world;
  const ratePerSec = Math.max(LOWEST_RATE, roundDown(world.ratePerSec / excess));
  if (ratePerSec === world.ratePerSec) return keepLoad({ ...world, workers: world.workers * 2 });
  const durationMs = Math.max(
    world.durationMs,
    threeDigits(Math.min(LONGEST_MS, (world.durationMs * world.ratePerSec) / ratePerSec)),
  );
  return keepLoad({ ...world, ratePerSec, durationMs });
}

export const LONGEST_MS = 20 * 60_000;
export const SHORTEST_MS = 100;

/** Two digits are enough, and above the limit none is. */
function roundDown(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.floor(value / unit + 1e-9) * unit).toPrecision(2));
}
