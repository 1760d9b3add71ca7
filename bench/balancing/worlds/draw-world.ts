// pure
/** The random worlds: each is drawn from one number. Ranges are wide on purpose, so that no algorithm can be tuned to a list. */
import { Draw } from '../sim/draw.ts';
import { randomStream } from '../sim/random.ts';
import {
  BURST_PART,
  HIGHEST_LOAD,
  HIGHEST_RATE,
  keepSpareCapacity,
  LONGEST_MS,
  LOWEST_RATE,
  SHORTEST_MS,
  timeoutMs,
} from './spare-capacity.ts';
import { type Fault, type Kind, type Pauses, threeDigits, type WorkShape, type WorldParameters } from './world-parameters.ts';

/** Enough that an algorithm has learned all that it can, and few enough that hundreds of worlds are played in seconds. */
const CALLS = { from: 8_000, to: 12_000 };
/** In the slowest ordinary durations. */
const SHORTEST_TIMEOUT = 4;
const MOST_WORKERS = 200;

/** `count` worlds, of the seeds from `from` on. */
export function drawWorlds(kind: Kind, count: number, from: number): WorldParameters[] {
  return Array.from({ length: count }, (_, index) => drawWorld(from + index, kind));
}

export function drawWorld(seed: number, kind: Kind): WorldParameters {
  const draw = new Draw(randomStream(seed, `world ${kind}`));
  const hosts = drawHosts(draw, kind);
  const serviceMs = threeDigits(draw.ratio(0.2, 3_000));
  const inequality = hosts > 1 && draw.chance(0.3) ? threeDigits(draw.between(1.1, 1.6)) : 1;
  const { workers, ratePerSec: drawnPerSec } = drawTraffic(draw, hosts, serviceMs * inequality);
  const work = drawWork(draw);
  const oddity = drawOddity(draw, serviceMs);
  const ratePerSec = Math.min(drawnPerSec, threeDigits(HIGHEST_RATE / oddity.burst));
  const callsPerSec = ratePerSec * (1 + BURST_PART * (oddity.burst - 1));
  const world: WorldParameters = {
    kind,
    seed,
    hosts,
    agents: draw.chance(0.4) ? 1 : Math.round(draw.ratio(2, 30)),
    workers,
    serviceMs,
    roundTripMs: threeDigits(Math.min(draw.ratio(0.05, 5), serviceMs / 2)),
    inequality,
    work,
    ratePerSec,
    durationMs: threeDigits(within(SHORTEST_MS, (draw.between(CALLS.from, CALLS.to) * 1_000) / callsPerSec, LONGEST_MS)),
    timeoutFactor: threeDigits(draw.ratio(SHORTEST_TIMEOUT, 40)),
    errorRate: draw.chance(0.25) ? 0 : threeDigits(draw.ratio(0.000_3, 0.05)),
    errorWork: draw.one([0.02, 0.3, 1, 1, 1, 1, 2, 3]),
    reportLoss: draw.chance(0.2) ? threeDigits(draw.ratio(0.002, 0.2)) : 0,
    reportsTcost: !draw.chance(0.15),
    ...oddity,
    sharedErrors: draw.chance(0.12) ? 1 + draw.index(3) : 0,
    fault: kind === 'troubled' ? drawFault(draw, hosts) : null,
  };
  return keepSpareCapacity(kind === 'troubled' ? keepTimeoutShort(world) : world);
}

/** Where a host is silent, callers should learn of it while it still is, if they can. */
function keepTimeoutShort(world: WorldParameters): WorldParameters {
  const timeoutFactor = threeDigits((world.timeoutFactor * world.durationMs) / 10 / timeoutMs(world));
  return { ...world, timeoutFactor: within(SHORTEST_TIMEOUT, timeoutFactor, world.timeoutFactor) };
}

function drawHosts(draw: Draw, kind: Kind): number {
  if (draw.chance(0.03)) return 60;
  return Math.round(draw.ratio(kind === 'well' ? 1 : 3, 50));
}

/** Either the hosts are there and their load says how many calls come, or the calls are, and the load says how many workers. */
function drawTraffic(draw: Draw, hosts: number, serviceMs: number): Pick<WorldParameters, 'workers' | 'ratePerSec'> {
  const load = draw.chance(0.8) ? draw.between(0.02, 0.6) : draw.between(0.6, HIGHEST_LOAD);
  if (draw.chance(0.5)) {
    const workers = Math.round(draw.ratio(1, 64));
    const ratePerSec = threeDigits(within(LOWEST_RATE, (load * hosts * workers * 1_000) / serviceMs, HIGHEST_RATE));
    return { workers, ratePerSec };
  }
  const ratePerSec = threeDigits(draw.ratio(LOWEST_RATE, HIGHEST_RATE));
  return { workers: within(1, Math.round((ratePerSec * serviceMs) / (1_000 * hosts * load)), MOST_WORKERS), ratePerSec };
}

function drawWork(draw: Draw): WorkShape {
  switch (draw.index(6)) {
    case 0:
      return { shape: 'constant' };
    case 1:
      return { shape: 'lognormal', variation: threeDigits(draw.ratio(0.01, 0.2)) };
    case 2:
      return { shape: 'lognormal', variation: threeDigits(draw.ratio(0.2, 1)) };
    case 3:
      return { shape: 'exponential' };
    case 4:
      return { shape: 'two sizes', share: threeDigits(draw.ratio(0.005, 0.3)), ratio: threeDigits(draw.ratio(3, 80)) };
    default:
      return { shape: 'lognormal', variation: threeDigits(draw.between(1, 3)) };
  }
}

/** Half of the worlds have one of these, a few have more. */
function drawOddity(draw: Draw, serviceMs: number): Pick<WorldParameters, 'regression' | 'burst' | 'pauses'> {
  return {
    regression: draw.chance(0.15) ? threeDigits(draw.ratio(1.2, 5)) : 1,
    burst: draw.chance(0.2) ? threeDigits(draw.ratio(1.2, 8)) : 1,
    pauses: draw.chance(0.25) ? drawPauses(draw, serviceMs) : null,
  };
}

function drawPauses(draw: Draw, serviceMs: number): Pauses {
  const whose = draw.one<Pauses['whose']>(['one host', 'all hosts']);
  return { whose, slowness: threeDigits(draw.ratio(2, 16)), lengthMs: threeDigits(20 + serviceMs * draw.ratio(1, 20)) };
}

function drawFault(draw: Draw, hosts: number): Fault {
  const how = draw.one<Fault['how']>(['refuses', 'is silent', 'errs', 'is slow']);
  return { how, hosts: draw.chance(0.3) ? 1 + draw.index(hosts) : 1, errorRate: threeDigits(draw.between(0.3, 0.5)) };
}

function within(low: number, value: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
