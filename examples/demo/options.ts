import { parseArgs } from 'node:util';
import { messageOf } from '@lars/runtime/errors';

export interface DemoOptions {
  /** How long each phase lasts: all well, one server stopped, started again. */
  readonly phaseSeconds: readonly [number, number, number];
  readonly hosts: number;
  readonly ratePerSecond: number;
  readonly seed: number;
  /** The result goes to standard output as one JSON document, and nothing else does. */
  readonly json: boolean;
}

export type ParsedOptions =
  | { readonly kind: 'options'; readonly options: DemoOptions }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: string };

/** The outage is longer than the agent's overload_timeout, so that what happens when that is over is seen too. */
const PHASE_SECONDS = [10, 18, 14] as const;

const BOUNDS = {
  seconds: { min: 0.5, max: 3_600, whole: false },
  hosts: { min: 2, max: 50, whole: true },
  rate: { min: 1, max: 2_000, whole: true },
  seed: { min: 0, max: 4_294_967_295, whole: true },
} as const;

const FLAGS = {
  seconds: { type: 'string' },
  hosts: { type: 'string', default: '4' },
  rate: { type: 'string', default: '200' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const HELP = `Usage: npm run demo -- [options]

Starts all of LARS, some HTTP servers and business code that calls them through it; then stops one of the servers and starts
it again. A live table shows each server's share of the calls.

  --seconds N   length of each of the three phases; otherwise ${PHASE_SECONDS.join(', ')}
  --hosts N     how many servers (${FLAGS.hosts.default})
  --rate N      calls per second (${FLAGS.rate.default})
  --seed N      of the random latencies (${FLAGS.seed.default})
  --json        the result as one JSON document on standard output; the table goes to standard error
  --help        this text
`;

/** Never throws: what is wrong with the arguments comes back as one line. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS });
    if (values.help) return { kind: 'help', text: HELP };
    const options = {
      phaseSeconds: phases(values.seconds),
      hosts: numberOf('hosts', values.hosts),
      ratePerSecond: numberOf('rate', values.rate),
      seed: numberOf('seed', values.seed),
      json: values.json,
    };
    return { kind: 'options', options };
  } catch (error) {
    return { kind: 'problem', problem: messageOf(error) };
  }
}

function phases(given: string | undefined): DemoOptions['phaseSeconds'] {
  if (given === undefined) return PHASE_SECONDS;
  const seconds = numberOf('seconds', given);
  return [seconds, seconds, seconds];
}

function numberOf(name: keyof typeof BOUNDS, given: string): number {
  const { min, max, whole } = BOUNDS[name];
  const value = given.trim() === '' ? Number.NaN : Number(given);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new RangeError(`--${name} ${given}: expected ${whole ? 'a whole number' : 'a number'} in ${min}..${max}`);
}
