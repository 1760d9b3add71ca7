import { parseArgs } from 'node:util';

export interface Flags {
  readonly minutes: number;
  /** Of the order of the faults and all else that chance decides. */
  readonly seed: number;
  /** Writes the table into docs/reliability.md. */
  readonly write: boolean;
  /** The kinds of faults to throw, in the order of the list. */
  readonly kinds: readonly string[];
  /** Where the system's files stand, and stay. Undefined: in a temporary folder that goes with the process. */
  readonly folder: string | undefined;
}

const MAX_MINUTES = 24 * 60;
const MAX_SEED = 2 ** 31 - 1;

/**
 * @param allKinds the faults that there are
 * @param anySeed the seed where none is given
 * @throws {Error} that names the flag which is wrong, and what would be right
 */
export function parseFlags(args: readonly string[], allKinds: readonly string[], anySeed: number): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '5' },
      seed: { type: 'string' },
      write: { type: 'boolean', default: false },
      only: { type: 'string' },
      folder: { type: 'string' },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= MAX_MINUTES))
    throw new Error(`--minutes: '${values.minutes}' is no number in 0..${MAX_MINUTES}`);
  const seed = values.seed === undefined ? anySeed : Number(values.seed);
  if (!Number.isInteger(seed) || seed < 1 || seed > MAX_SEED)
    throw new Error(`--seed: '${values.seed}' is no integer in 1..${MAX_SEED}`);
  const kinds = values.only === undefined ? allKinds : values.only.split(',');
  const unknown = kinds.find(kind => !allKinds.includes(kind));
  if (unknown !== undefined) throw new Error(`--only: '${unknown}' is none of ${allKinds.join(', ')}`);
  return { minutes, seed, write: values.write, kinds, folder: values.folder };
}
