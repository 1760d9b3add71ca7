// pure
/** Reads the parameters of a world as a search prints them: JSON. */
import { drawWorld } from './draw-world.ts';
import { keepSpareCapacity } from './spare-capacity.ts';
import type { WorldParameters } from './world-parameters.ts';

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
  return keepSpareCapacity(told as unknown as WorldParameters);
}

const NULLABLE = ['pauses', 'fault'];

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
