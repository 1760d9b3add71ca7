// pure
/** Reads the parameters of a world as a search prints them: JSON. */
import { drawWorld } from './draw-world.ts';
import { keepSpareCapacity, LOWEST_RATE } from './spare-capacity.ts';
import { KINDS, type WorldParameters } from './world-parameters.ts';

/**
 * @param source what an error names
 * @throws {Error} that says in one line which field is missing, unknown or of the wrong type
 */
export function parseWorld(source: string, text: string): WorldParameters {
  const told = parseJson(source, text);
  const model = drawWorld(1, 'troubled') as unknown as Readonly<Record<string, unknown>>;
  for (const field of Object.keys(told)) {
    if (!(field in model)) throw new Error(`${source}: a world has no '${field}'; it has ${Object.keys(model).join(', ')}`);
  }
  for (const [field, value] of Object.entries(model)) {
    if (!(field in told)) throw new Error(`${source}: '${field}' is missing`);
    if (NULLABLE.includes(field) ? typeof told[field] !== 'object' : typeof told[field] !== typeof value) {
      throw new Error(
        `${source}: '${field}' is ${JSON.stringify(told[field])}, but that of another world is ${JSON.stringify(value)}`,
      );
    }
  }
  for (const [field, least] of Object.entries(LEAST)) {
    if ((told[field] as number) < least) throw new Error(`${source}: '${field}' is ${told[field]}, but it is at least ${least}`);
  }
  const world = told as unknown as WorldParameters;
  if (!KINDS.includes(world.kind)) throw new Error(`${source}: 'kind' is '${world.kind}', but it is one of ${KINDS.join(', ')}`);
  if ((world.kind === 'troubled') !== (world.fault !== null)) {
    throw new Error(`${source}: a troubled world has a fault, and a well one has 'fault' null`);
  }
  return keepSpareCapacity(world);
}

const NULLABLE = ['pauses', 'fault'];

/** Below these no world can be built, or have spare capacity. */
const LEAST: Partial<Record<keyof WorldParameters, number>> = {
  hosts: 1,
  agents: 1,
  workers: 1,
  serviceMs: 0.01,
  roundTripMs: 0,
  inequality: 1,
  ratePerSec: LOWEST_RATE,
  durationMs: 1,
  timeoutFactor: 4,
  errorRate: 0,
  errorWork: 0,
  reportLoss: 0,
  regression: 1,
  burst: 1,
  sharedErrors: 0,
};

function parseJson(source: string, text: string): Record<string, unknown> {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch (error) {
    throw new Error(`${source}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof told !== 'object' || told === null) throw new Error(`${source}: '${text}' is no world`);
  return told as Record<string, unknown>;
}
