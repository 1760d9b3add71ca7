/** The keys that say how hosts are picked: for all modules in [loadbalance], for one in [module MODID/CMDID]. */
import { formatModule, parseModule } from '@lars/proto';
import { choice, duration, type FieldValues, flag, integer, patternSection, ratio } from '@lars/runtime/config/config';
import { StartupError } from '@lars/runtime/errors';
import { ADAPTIVE_DEFAULTS } from './balancer/adaptive/adaptive.ts';
import { ALGORITHMS, type Balancing, type LoadBalanceOptions } from './balancer/algorithm.ts';
import { CLASSIC_DEFAULTS } from './balancer/classic/classic.ts';

const DAY_MS = 86_400_000;
const MILLION = 1_000_000;
const classic = CLASSIC_DEFAULTS;
const adaptive = ADAPTIVE_DEFAULTS;

export const timeout = (defaultMs: number, meaning: string) =>
  duration({ default: defaultMs, min: 0, max: DAY_MS, exclude: 'min', meaning });
const count = (value: number, min: number, meaning: string) =>
  integer({ default: value, min, max: MILLION, meaning: `classic: ${meaning}` });

/** The keys of classic are those of deployed agents. */
export const balancingFields = {
  algorithm: choice(ALGORITHMS, {
    default: 'adaptive',
    meaning: 'adaptive: by latency, calls in flight and error statistics; classic: the rules of agents of the first generation.',
  }),
  on_all_overloaded: choice(['probe', 'all', 'refuse'], {
    default: adaptive.onAllOverloaded,
    meaning: 'adaptive: what is answered when no host may be called (rule AD-17, no host left).',
  }),
  shed: choice(['auto', 'off'], {
    default: adaptive.shed ? 'auto' : 'off',
    meaning:
      'adaptive: auto refuses calls while work waits at the hosts and calls are lost to it (rule AD-13, shedding); off never does.',
  }),
  probe_share: ratio({
    default: adaptive.probeShare,
    exclude: 'min',
    meaning:
      'adaptive: part of its fair share of the picks that an ejected host gets at most, as probes (rule AD-11, probe budget).',
  }),
  probe_backoff_min: timeout(
    adaptive.probeBackoffMinMs,
    "adaptive: pause before an ejected host's first probe (rule AD-10, probe backoff).",
  ),
  probe_backoff_max: timeout(adaptive.probeBackoffMaxMs, 'adaptive: what the pauses double up to.'),
  probe_num: count(classic.probeNum, 1, 'while some host is ejected, one pick goes to an ejected host after this many others.'),
  init_succ_cnt: count(classic.initSuccCnt, 0, 'virtual successes with which a period as a healthy host starts.'),
  init_err_cnt: count(classic.initErrCnt, 0, 'virtual errors with which an ejection starts.'),
  err_rate: ratio({
    default: classic.errRate,
    meaning: 'classic: a healthy host is ejected when the virtual error rate is greater.',
  }),
  succ_rate: ratio({
    default: classic.succRate,
    meaning: 'classic: an ejected host is readmitted when the virtual success rate is greater.',
  }),
  contin_err_limit: count(classic.continErrLimit, 1, 'this many failures in a row eject a healthy host.'),
  contin_succ_limit: count(classic.continSuccLimit, 1, 'this many successes in a row readmit an ejected host.'),
  window_err_rate: ratio({
    default: classic.windowErrRate,
    exclude: 'min',
    meaning: 'classic: a window with at least this share of real failures is a bad one.',
  }),
  window_err_limit: count(classic.windowErrLimit, 1, 'this many bad windows in a row eject a healthy host.'),
  idle_timeout: timeout(
    classic.idleTimeoutMs,
    "classic: length of a healthy host's period; at its end the counters start again.",
  ),
  overload_timeout: timeout(classic.overloadTimeoutMs, 'classic: an ejected host is readmitted after this time.'),
  tcost_amplify: flag({
    default: classic.tcostAmplify,
    meaning: 'classic: a failure that took long counts as several (rule LB-6, slow failures).',
  }),
};

export type BalancingValues = FieldValues<typeof balancingFields>;

export const modulesSection = patternSection({
  form: 'module MODID/CMDID',
  example: 'module 1/2',
  meaning: 'How the hosts of one module are chosen. What is left out is as in [loadbalance].',
  fields: balancingFields,
  parseName: parseModuleSection,
});

/** The modules that have a section of their own, by their name: '1/2'. */
export type ModuleSections = ReadonlyMap<string, Partial<BalancingValues>>;

/** @throws {StartupError} BAD_CONFIG naming the section and the keys that contradict each other */
export function loadBalanceOptions(everywhere: BalancingValues, modules: ModuleSections, zone: string): LoadBalanceOptions {
  return {
    everywhere: balancing('loadbalance', everywhere, zone),
    modules: new Map(
      Array.from(modules, ([module, own]) => [module, balancing(`module ${module}`, { ...everywhere, ...own }, zone)]),
    ),
  };
}

function parseModuleSection(name: string): string | undefined {
  const module = parseModule(/^module\s+(\S+)$/.exec(name)?.[1] ?? '');
  return module === undefined ? undefined : formatModule(module.modid, module.cmdid);
}

function balancing(section: string, values: BalancingValues, zone: string): Balancing {
  const { probe_backoff_min: min, probe_backoff_max: max } = values;
  if (min > max) {
    const [minText, maxText] = [balancingFields.probe_backoff_min.format(min), balancingFields.probe_backoff_max.format(max)];
    throw new StartupError(
      'BAD_CONFIG',
      `[${section}] probe_backoff_min = ${minText} is greater than probe_backoff_max = ${maxText}`,
    );
  }
  return {
    algorithm: values.algorithm,
    adaptive: toOptions(adaptive, { ...values, zone, shed: values.shed === 'auto' }),
    classic: toOptions(classic, values),
  };
}

/** The conf key of an option: probeBackoffMinMs is probe_backoff_min. */
type ConfKey<Name extends string> = Name extends `${infer Stem}Ms` ? SnakeCase<Stem> : SnakeCase<Name>;
type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name;
type ConfValues<Options> = { readonly [Name in keyof Options & string as ConfKey<Name>]: Options[Name] };

/** The options of an algorithm, each from the conf key of its name; the defaults say which options there are. */
function toOptions<Options extends object>(defaults: Options, values: ConfValues<Options>): Options {
  const names = Object.keys(defaults);
  return Object.fromEntries(names.map(name => [name, values[confKey(name) as keyof ConfValues<Options>]])) as Options;
}

function confKey(name: string): string {
  return name.replace(/Ms$/, '').replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}
