// pure
import { isPort, Purpose, SHARD_COUNT } from '@lars/proto';
import { badArgument, checkKeys, checkTimeout } from './validation.ts';

export interface LarsClientOptions {
  /** Where the agent runs: an IP address or a name. Default '127.0.0.1'. */
  readonly host?: string | undefined;
  /** The agent's three UDP ports in the order of its shards, or the first of three that follow one another. Default 8888. */
  readonly ports?: number | readonly number[] | undefined;
  /** How long a request waits for the agent's answer unless it says otherwise. Default 500. */
  readonly timeoutMs?: number | undefined;
  /** How long a `call` may take, pick and function together, unless it says otherwise. Default 30,000. */
  readonly callTimeoutMs?: number | undefined;
  /** How many requests may wait at once; more are refused with LARS_TOO_MANY_PENDING. Default 65,536. */
  readonly maxPending?: number | undefined;
  /**
   * Whether hosts are picked from copies of the routes while the agent does not have to pick. Default true; with false the agent is asked
   * for each host, and each call is reported by itself.
   */
  readonly cache?: boolean | undefined;
  /**
   * Whether the client picks by itself, from the last route that it knows, while the agent does not answer, and keeps the results until it
   * does. Default true; with false such calls fail, and their results are lost.
   */
  readonly fallback?: boolean | undefined;
  /**
   * The file to which the agent of this machine writes its routes. It is read while the agent does not answer, for modules that this process
   * has not called before. Default: what the environment variable LARS_ROUTES_FILE says; without that there is none.
   */
  readonly routesFile?: string | undefined;
  /**
   * Where this process stands, as hosts name their zones and the agent's conf (`[agent] zone`) does. While the agent does not answer, hosts of this
   * zone are preferred. Default: what the environment variable LARS_ZONE says; without that, zones do not matter then.
   */
  readonly zone?: string | undefined;
  /**
   * What hosts are asked for: to call them ('call', the default); only to see which one would be called, so that the agent counts nothing ('look');
   * or for calls that nobody makes ('simulation'): the agent learns from their results, and no statistics count them. An agent of an earlier
   * version takes all for calls. The last two are for tools, and want `cache: false` and `fallback: false`.
   */
  readonly purpose?: 'call' | 'look' | 'simulation' | undefined;
}

/** LarsClientOptions, checked and complete. */
export interface Settings {
  readonly host: string;
  /** One port a shard. */
  readonly ports: readonly number[];
  readonly timeoutMs: number;
  readonly callTimeoutMs: number;
  readonly maxPending: number;
  readonly cache: boolean;
  readonly fallback: boolean;
  readonly routesFile: string | undefined;
  /** Empty: zones do not matter. */
  readonly zone: string;
  /** One of Purpose. */
  readonly purpose: number;
}

const PURPOSES: ReadonlyMap<unknown, number> = new Map([
  ['call', Purpose.Call],
  ['look', Purpose.Look],
  ['simulation', Purpose.Simulation],
]);
const DEFAULT_PORT = 8888;
const DEFAULTS = {
  host: '127.0.0.1',
  timeoutMs: 500,
  callTimeoutMs: 30_000,
  maxPending: 65_536,
  cache: true,
  fallback: true,
} as const;
const MAX_PENDING_LIMIT = 1_000_000;
const MAX_HOST_LENGTH = 253;
const KNOWN = [
  'host',
  'ports',
  'timeoutMs',
  'callTimeoutMs',
  'maxPending',
  'cache',
  'fallback',
  'routesFile',
  'zone',
  'purpose',
] as const satisfies readonly (keyof LarsClientOptions)[];

/**
 * @param routesFileOfEnv what LARS_ROUTES_FILE says; undefined or empty where it says nothing
 * @param zoneOfEnv what LARS_ZONE says
 * @throws {LarsError} LARS_BAD_ARGUMENT naming the option; an option that does not exist is refused too
 */
export function readOptions(options: LarsClientOptions, routesFileOfEnv?: string, zoneOfEnv = ''): Settings {
  checkKeys('options', options, KNOWN);
  const { host = DEFAULTS.host, timeoutMs = DEFAULTS.timeoutMs, callTimeoutMs = DEFAULTS.callTimeoutMs } = options;
  const { maxPending = DEFAULTS.maxPending, cache = DEFAULTS.cache, fallback = DEFAULTS.fallback } = options;
  if (typeof host !== 'string' || host === '' || host.length > MAX_HOST_LENGTH) {
    throw badArgument('host', 'an IP address or a name', host);
  }
  checkTimeout('timeoutMs', timeoutMs);
  checkTimeout('callTimeoutMs', callTimeoutMs);
  if (!Number.isInteger(maxPending) || maxPending < 1 || maxPending > MAX_PENDING_LIMIT) {
    throw badArgument('maxPending', `an integer in 1..${MAX_PENDING_LIMIT}`, maxPending);
  }
  if (typeof cache !== 'boolean') throw badArgument('cache', 'true or false', cache);
  if (typeof fallback !== 'boolean') throw badArgument('fallback', 'true or false', fallback);
  const routesFile = readRoutesFile(options.routesFile, fallback, routesFileOfEnv);
  const { zone = zoneOfEnv } = options;
  if (typeof zone !== 'string') throw badArgument('zone', 'a text', zone);
  const purpose = readPurpose(options.purpose, cache || fallback);
  return {
    host,
    ports: readPorts(options.ports),
    timeoutMs,
    callTimeoutMs,
    maxPending,
    cache,
    fallback,
    routesFile,
    zone,
    purpose,
  };
}

function readRoutesFile(given: string | undefined, fallback: boolean, ofEnv = ''): string | undefined {
  if (given === undefined) return fallback && ofEnv !== '' ? ofEnv : undefined;
  if (typeof given !== 'string' || given === '' || given.includes('\0'))
    throw badArgument('routesFile', 'the path of a file', given);
  if (!fallback) throw badArgument('routesFile', 'left out with fallback: false, which never reads it', given);
  return given;
}

function readPurpose(given: LarsClientOptions['purpose'] = 'call', picksAlone: boolean): number {
  const purpose = PURPOSES.get(given);
  if (purpose === undefined) throw badArgument('purpose', `one of ${[...PURPOSES.keys()].join(', ')}`, given);
  if (purpose !== Purpose.Call && picksAlone)
    throw badArgument('purpose', "'call' unless cache and fallback are false: the agent must be asked for each host", given);
  return purpose;
}

function readPorts(given: number | readonly number[] = DEFAULT_PORT): readonly number[] {
  const list = Array.isArray(given) ? (given as readonly number[]) : [given as number];
  const base = list[0] as number;
  const ports = list.length === 1 ? Array.from({ length: SHARD_COUNT }, (_, shard) => base + shard) : [...list];
  if (ports.length !== SHARD_COUNT) {
    throw badArgument('ports', `${SHARD_COUNT} ports, or the first of ${SHARD_COUNT} that follow one another`, given);
  }
  for (const port of ports) if (!isPort(port)) throw badArgument('ports', 'made of integers in 1..65535', port);
  return ports;
}
