import { parseArgs } from 'node:util';
import { messageOf } from '@lars/runtime/errors';
import { type Algorithm, SHIPPED_ALGORITHM } from './algorithms.ts';
import { TROUBLES, type Trouble } from './troubles.ts';

export type DemoOptions = OutageOptions | TroublesOptions;

interface CommonOptions {
  readonly hosts: number;
  readonly ratePerSecond: number;
  readonly seed: number;
  /** The result goes to standard output as one JSON document, and nothing else does. */
  readonly json: boolean;
}

/** One server is stopped and started again. */
export interface OutageOptions extends CommonOptions {
  readonly show: 'outage';
  /** The agent's. */
  readonly algorithm: Algorithm;
  /** How long each phase lasts: all well, one server stopped, started again. */
  readonly phaseSeconds: readonly [number, number, number];
}

/** One trouble after the other, in each way of balancing. */
export interface TroublesOptions extends CommonOptions {
  readonly show: 'troubles';
  /** At least one. */
  readonly troubles: readonly Trouble[];
  readonly troubleSeconds: number;
  /** Before the first trouble and after each. */
  readonly quietSeconds: number;
}

export type ParsedOptions =
  | { readonly kind: 'options'; readonly options: DemoOptions }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'problem'; readonly problem: string };

type Phases = OutageOptions['phaseSeconds'];

const PHASE_SECONDS: Readonly<Record<Algorithm, Phases>> = {
  // While the server is down three probes fail; the pause that follows is over before the end, whatever the jitter (AD-10).
  adaptive: [6, 10, 14],
  // The outage is longer than the agent's overload_timeout, so that what happens when that is over is seen too (LB-9).
  classic: [6, 18, 10],
};
const TROUBLE_SECONDS = 8;
const QUIET_SECONDS = 4;

const DEFAULTS = {
  outage: { hosts: 4, ratePerSecond: 200 },
  troubles: { hosts: 5, ratePerSecond: 200 },
} as const;

const BOUNDS = {
  seconds: { min: 0.5, max: 3_600, whole: false },
  hosts: { min: 2, max: 50, whole: true },
  rate: { min: 1, max: 2_000, whole: true },
  seed: { min: 0, max: 4_294_967_295, whole: true },
} as const;

const FLAGS = {
  algorithm: { type: 'string' },
  troubles: { type: 'boolean', default: false },
  only: { type: 'string' },
  seconds: { type: 'string' },
  hosts: { type: 'string' },
  rate: { type: 'string' },
  seed: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const HELP = `Usage: npm run demo -- [options]

Starts all of LARS, some HTTP servers and business code that calls them through it; then stops one of the servers and starts
it again. A live table shows each server's share of the calls, and the end tells what the agent did, and why. With --troubles,
nothing is wrong at first, then servers get into several kinds of trouble, one after the other; each way of balancing has a
fleet of its own, all at the same time, and tables compare them at the end.

  --algorithm A ${Object.keys(PHASE_SECONDS).join(' or ')} (${SHIPPED_ALGORITHM}); --troubles shows both
  --troubles    ${TROUBLES.map(({ name }) => name).join(', ')}
  --only LIST   only these of the troubles, by name, with commas between them
  --seconds N   length of each of the three phases; otherwise ${PHASE_SECONDS[SHIPPED_ALGORITHM].join(', ')}
                with --troubles: of each trouble, and of the time between two; otherwise ${TROUBLE_SECONDS} and ${QUIET_SECONDS}
  --hosts N     how many servers (${DEFAULTS.outage.hosts}; with --troubles ${DEFAULTS.troubles.hosts} for each way of balancing)
  --rate N      calls per second (${DEFAULTS.outage.ratePerSecond}; with --troubles ${DEFAULTS.troubles.ratePerSecond} in each way)
  --seed N      of the random latencies and errors (${FLAGS.seed.default})
  --json        the result as one JSON document on standard output; the table goes to standard error
  --help        this text
`;

/** Never throws: what is wrong with the arguments comes back as one line. */
export function parseOptions(args: readonly string[]): ParsedOptions {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS });
    if (values.help) return { kind: 'help', text: HELP };
    return { kind: 'options', options: optionsOf(values) };
  } catch (error) {
    return { kind: 'problem', problem: messageOf(error) };
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof FLAGS }>>['values'];

function optionsOf(values: Values): DemoOptions {
  const defaults = DEFAULTS[values.troubles ? 'troubles' : 'outage'];
  const common = {
    hosts: numberOf('hosts', values.hosts) ?? defaults.hosts,
    ratePerSecond: numberOf('rate', values.rate) ?? defaults.ratePerSecond,
    seed: numberOf('seed', values.seed) ?? 0,
    json: values.json,
  };
  const seconds = numberOf('seconds', values.seconds);
  if (values.troubles) {
    if (values.algorithm !== undefined) throw new RangeError('--algorithm: the --troubles show both');
    const times = { troubleSeconds: seconds ?? TROUBLE_SECONDS, quietSeconds: seconds ?? QUIET_SECONDS };
    return { show: 'troubles', ...common, ...times, troubles: troublesOf(values.only) };
  }
  if (values.only !== undefined) throw new RangeError('--only: it chooses among the --troubles');
  const algorithm = algorithmOf(values.algorithm ?? SHIPPED_ALGORITHM);
  const phaseSeconds: Phases = seconds === undefined ? PHASE_SECONDS[algorithm] : [seconds, seconds, seconds];
  return { show: 'outage', ...common, algorithm, phaseSeconds };
}

function algorithmOf(given: string): Algorithm {
  const known = Object.keys(PHASE_SECONDS) as Algorithm[];
  const algorithm = known.find(name => name === given);
  if (algorithm === undefined) throw new RangeError(`--algorithm ${given}: expected ${known.join(' or ')}`);
  return algorithm;
}

/** In the order in which they are named. */
function troublesOf(given: string | undefined): readonly Trouble[] {
  if (given === undefined) return TROUBLES;
  return given.split(',').map(name => {
    const trouble = TROUBLES.find(one => one.name === name.trim());
    if (trouble !== undefined) return trouble;
    throw new RangeError(`--only ${given}: expected some of ${TROUBLES.map(one => one.name).join(', ')}`);
  });
}

/** @returns undefined when the flag is not given */
function numberOf(name: keyof typeof BOUNDS, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const { min, max, whole } = BOUNDS[name];
  const value = given.trim() === '' ? Number.NaN : Number(given);
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
  throw new RangeError(`--${name} ${given}: expected ${whole ? 'a whole number' : 'a number'} in ${min}..${max}`);
}
