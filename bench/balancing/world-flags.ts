/** The flags of the two commands about random worlds. Each wrong one is one line that says what would be right. */
import { parseArgs } from 'node:util';
import { ALGORITHMS } from './algorithms.ts';
import { HABIT_NAMES, type HabitName } from './habits.ts';
import type { Contender } from './sim/contender.ts';
import { parseWorld } from './worlds/parse-world.ts';
import { KINDS, type Kind, type WorldParameters } from './worlds/world-parameters.ts';

/** Who is measured, and where. */
interface Subject {
  readonly kinds: readonly Kind[];
  readonly habit: HabitName | undefined;
  readonly contender: Contender;
}

export interface WorldFlags extends Subject {
  readonly worlds: number;
  readonly from: number;
  /** How many of the worst worlds are printed. */
  readonly show: number;
  /** The one world that is to be played again. */
  readonly replayed: WorldParameters | undefined;
}

export interface SearchFlags extends Subject {
  readonly rounds: number;
  readonly seed: number;
}

const SUBJECT = {
  kind: { type: 'string' },
  habit: { type: 'string' },
  algorithm: { type: 'string', default: 'adaptive' },
  cached: { type: 'boolean', default: false },
} as const;

/** @throws {Error} that names the flag which is wrong, and what would be right */
export function parseWorldFlags(args: readonly string[]): WorldFlags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...SUBJECT,
      worlds: { type: 'string', default: '300' },
      from: { type: 'string', default: '1' },
      show: { type: 'string', default: '12' },
      parameters: { type: 'string' },
    },
  });
  return {
    ...subject(values),
    worlds: wholeNumber('worlds', values.worlds, 1),
    from: wholeNumber('from', values.from, 0),
    show: wholeNumber('show', values.show, 0),
    replayed: values.parameters === undefined ? undefined : parseWorld('--parameters', values.parameters),
  };
}

/** @throws {Error} that names the flag which is wrong, and what would be right */
export function parseSearchFlags(args: readonly string[]): SearchFlags {
  const { values } = parseArgs({
    args: [...args],
    options: { ...SUBJECT, rounds: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
  });
  return { ...subject(values), rounds: wholeNumber('rounds', values.rounds, 1), seed: wholeNumber('seed', values.seed, 0) };
}

interface SubjectValues {
  readonly kind?: string | undefined;
  readonly habit?: string | undefined;
  readonly algorithm: string;
  readonly cached: boolean;
}

function subject({ kind, habit, algorithm, cached }: SubjectValues): Subject {
  const name = one(
    'algorithm',
    algorithm,
    ALGORITHMS.filter(isPlain).map(contender => contender.name),
  );
  const contender = ALGORITHMS.find(known => known.name === (cached ? `${name}${CACHE_SUFFIX}` : name));
  if (contender === undefined) throw new Error(`--cached: '${name}' is not measured with the SDK's cache`);
  return {
    kinds: kind === undefined ? KINDS : [one('kind', kind, KINDS)],
    habit: habit === undefined ? undefined : one('habit', habit, HABIT_NAMES),
    contender,
  };
}

const CACHE_SUFFIX = ' + SDK cache';

function isPlain({ name }: Contender): boolean {
  return !name.endsWith(CACHE_SUFFIX);
}

/** Spaces of a name may be written as hyphens, so that no shell needs quotes. */
function one<T extends string>(flag: string, told: string, names: readonly T[]): T {
  const hyphened = (name: string) => name.replaceAll(' ', '-');
  const found = names.find(name => hyphened(name) === hyphened(told));
  if (found === undefined) throw new Error(`--${flag}: '${told}' is none of ${names.map(hyphened).join(', ')}`);
  return found;
}

function wholeNumber(flag: string, told: string, least: number): number {
  if (!/^\d{1,9}$/.test(told) || Number(told) < least) {
    throw new Error(`--${flag}: '${told}' is no whole number from ${least} to 999999999`);
  }
  return Number(told);
}
