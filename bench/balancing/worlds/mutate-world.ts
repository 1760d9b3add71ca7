// pure
import type { Draw } from '../sim/draw.ts';
import { drawWorld } from './draw-world.ts';
import { HIGHEST_RATE, keepSpareCapacity, LONGEST_MS, LOWEST_RATE, SHORTEST_MS } from './spare-capacity.ts';
import { threeDigits, type WorldParameters } from './world-parameters.ts';

const DRAWN = [
  'hosts',
  'agents',
  'workers',
  'serviceMs',
  'inequality',
  'work',
  'timeoutFactor',
  'errorRate',
  'errorWork',
  'reportLoss',
  'reportsTcost',
  'regression',
  'burst',
  'sharedErrors',
  'pauses',
  'fault',
] as const satisfies readonly (keyof WorldParameters)[];

const MOST_SEEDS = 1_000_000;

/** A world like this one, but for one or two of its parameters. The number of calls stays about the same. */
export function mutateWorld(world: WorldParameters, draw: Draw): WorldParameters {
  const once = mutateOnce(world, draw);
  return keepSpareCapacity(draw.chance(0.3) ? mutateOnce(once, draw) : once);
}

function mutateOnce(world: WorldParameters, draw: Draw): WorldParameters {
  if (draw.chance(0.25)) return changeRate(world, draw);
  if (draw.chance(0.1)) return { ...world, seed: draw.index(MOST_SEEDS) };
  const field = draw.one(DRAWN);
  return { ...world, [field]: drawWorld(draw.index(MOST_SEEDS), world.kind)[field] };
}

function changeRate(world: WorldParameters, draw: Draw): WorldParameters {
  const told = threeDigits(world.ratePerSec * draw.ratio(1 / 3, 3));
  const ratePerSec = Math.max(LOWEST_RATE, Math.min(HIGHEST_RATE, told));
  const durationMs = threeDigits((world.durationMs * world.ratePerSec) / ratePerSec);
  return { ...world, ratePerSec, durationMs: Math.max(SHORTEST_MS, Math.min(LONGEST_MS, durationMs)) };
}
